// Draws the chain of concepts: words below, the answer on top, the groups dimly behind, what was changed.
import { asBoxes, changeOf, kindOf, nowSays, shownConcepts } from './chain.js';
import { bow, curve, ports, route, strongest, trail } from './edges.js';
import { sv } from './elements.js';
import { groupLayout } from './layout.js';
import { FONT, fit, widthOf } from './measure.js';
import { paintAxis, paintTokens, register, withRoot } from './picture.js';
import { SIGNS } from './shapes.js';
import { chance } from './tryout.js';
import { conceptLine, conceptVerdict, hopLabel, hopLines, layersOf, signed, visible } from './words.js';

/** @import { Box, Circuit, Concept, Drawing, DrawnGroup, PlacedBox, RoutedEdge, Shown } from './types.js' */

const CHIP = { width: 40, height: 20 };

/**
 * @param {Circuit} circuit
 * @param {Drawing} graph
 * @param {number} width
 * @param {number} height
 * @returns {number} the height it takes
 */
export function paintChain(circuit, graph, width, height) {
  const drawn = asBoxes(graph);
  const hops = strongest(drawn.superedges, drawn.strongest_path, 1);
  const layout = groupLayout(drawn, width, height, new Set(), hops);
  /** @param {string} id */
  const found = (id) => (id === 'LD' ? layout.answer : (layout.boxes.get(id) ?? layout.tokens.get(id)));
  /** @param {string} id */
  const place = (id) => /** @type {Box} */ (found(id)); // only asked for edges that are shown
  const c = withRoot(circuit, graph);
  c.svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  paintAxis(c, layout.layerY, width);
  if (c.behind.checked) paintBehind(c, [...layout.boxes.values()], layout.layerY, layout.cols.at);
  const shown = hops.filter((edge) => found(edge.source) && found(edge.target));
  route(shown, place, layout.rows, layout.area);
  ports(shown, place);
  for (const edge of shown) {
    paintHop(c, edge, edge.aside ? bow(edge, place, layout.area) : trail(edge), width > 520);
  }
  sv('g', { class: 'ac-hot' }, c.root);
  paintTokens(c, layout.cols, (column) => place(`T${column.from}`));
  paintAnswer(c, layout.answer);
  const { way, others } = shownConcepts(graph);
  for (const one of [...others, ...way]) {
    const box = layout.boxes.get(one.id);
    if (box) paintConcept(c, one, box, way.includes(one));
  }
  for (const edge of shown)
    c.root.append(...c.root.querySelectorAll(`[data-label="${edge.source}>${edge.target}"]`));
  sv('g', { class: 'ac-now' }, c.root);
  markChange(c);
  return layout.height;
}

/**
 * An arrow with the share and the head that carries most of it; reached by the keyboard as well.
 * @param {Shown} c
 * @param {RoutedEdge} edge
 * @param {string} d
 * @param {boolean} roomy
 */
function paintHop(c, edge, d, roomy) {
  const { hop } = edge;
  if (!hop) return;
  const [, verdict] = conceptVerdict(hop);
  const tested = hop.share !== undefined && hop.share !== null;
  const looks = `ac-edge ac-hop e-pos v-${verdict}${edge.path ? ' e-path' : ''}${tested ? '' : ' untold'}`;
  const made = sv('g', { class: looks, tabindex: 0, role: 'img' }, c.root);
  made.setAttribute(
    'aria-label',
    hopLines(c.graph, c.index, hop)
      .flat()
      .filter((word) => word !== 'title')
      .join('; '),
  );
  const wide = tested ? 1.5 + 4.5 * Math.sqrt(edge.weight) : 1.5;
  if (edge.path) sv('path', { d, class: 'ac-halo', 'stroke-width': wide + 6 }, made);
  const line = sv('path', { d, class: 'ac-line', 'stroke-width': wide, 'marker-end': 'url(#ac-pos)' }, made);
  sv('path', { d, class: 'ac-hit' }, made);
  made.dataset.link = String(c.links.length);
  c.links.push({ ...edge, el: made });
  const words = hopLabel(hop, roomy);
  if (!words) return;
  const middle = line.getPointAtLength(line.getTotalLength() / 2);
  const label = sv('g', { class: 'ac-hoplabel', 'aria-hidden': 'true' }, c.root);
  label.dataset.label = `${edge.source}>${edge.target}`;
  const across = widthOf(words, FONT.small) + 10;
  sv('rect', { x: middle.x - across / 2, y: middle.y - 8, width: across, height: 16, rx: 8 }, label);
  sv('text', { x: middle.x, y: middle.y + 4, 'text-anchor': 'middle' }, label, words);
}

/**
 * @param {Shown} c
 * @param {Box} box
 */
function paintAnswer(c, box) {
  const { answer, foil, value } = c.graph.target;
  const made = sv('g', { class: 'ac-answer' }, c.root);
  sv('rect', { x: box.x, y: box.y, width: box.width, height: box.height, rx: 10 }, made);
  const x = box.x + box.width / 2;
  const name = fit(`says ${visible(answer)}`, box.width - 16, FONT.name);
  sv('text', { x, y: box.y + 17, 'text-anchor': 'middle', class: 'ac-name' }, made, name);
  const over = foil ? ` over ${visible(foil)}` : '';
  const lead = fit(`${signed(value)} logits${over}`, box.width - 16, FONT.small);
  sv('text', { x, y: box.y + 32, 'text-anchor': 'middle' }, made, lead);
  register(c, 'LD', made, { x, y: box.y + 20 }, c.index.tokens.get('LD') ?? 'LD');
}

/**
 * @param {Shown} c
 * @param {Concept} one
 * @param {PlacedBox} box
 * @param {boolean} onPath
 */
function paintConcept(c, one, box, onPath) {
  const looks = `ac-group ac-concept k-${kindOf(one)}${onPath ? ' on-path' : ' aside'}`;
  const made = sv('g', { class: looks, transform: `translate(${box.x},${box.y})` }, c.root);
  sv('rect', { width: box.width, height: box.height, rx: 16, class: 'ac-box' }, made);
  const frame = { x: 10, y: 8, width: 12, height: 12, viewBox: '-1 -1 13 13' };
  const sign = sv('svg', { ...frame, class: `ac-sign k-${kindOf(one)}` }, made);
  sv('path', { d: SIGNS[one.role === 'concept' ? 'concept' : kindOf(one)] }, sign);
  const lines = box.lines ?? [one.name];
  lines.forEach((line, i) => {
    sv('text', { x: 27, y: 18 + i * 15, class: 'ac-name' }, made, line);
  });
  const facts = `${one.id} · ${layersOf(one.layers)}`;
  sv('text', { x: 27, y: 18 + lines.length * 15, class: 'ac-meta' }, made, facts);
  const [seal, word] = conceptVerdict(one);
  const badge = sv('g', { class: `ac-seal v-${word}`, transform: `translate(${box.width - 4},3)` }, made);
  sv('circle', { r: 8.5 }, badge);
  sv('text', { y: 4, 'text-anchor': 'middle' }, badge, seal);
  register(c, one.id, made, { x: box.x + box.width / 2, y: box.y + box.height / 2 });
  made.setAttribute('aria-label', conceptLine(c.graph, one));
}

/**
 * The groups of features, small and dim, at their words and layers, out of the way of the concepts.
 * @param {Shown} c
 * @param {Box[]} walls
 * @param {(layer: number) => number} layerY
 * @param {(position: number) => { middle: number }} at
 */
function paintBehind(c, walls, layerY, at) {
  /** @type {Map<string, { x: number, y: number }>} */
  const spots = new Map();
  const taken = walls.map(({ x, y, width, height }) => ({ x, y, width, height }));
  taken.push({ x: 0, y: layerY(0), width: c.stage.clientWidth, height: 200 }); // the words
  for (const group of c.graph.supernodes) {
    const spot = freeSpot(group, taken, layerY, at);
    taken.push({ ...spot, ...CHIP });
    spots.set(group.id, { x: spot.x + CHIP.width / 2, y: spot.y + CHIP.height / 2 });
  }
  const layer = sv('g', { class: 'ac-behind' }, c.root);
  for (const { source, target, weight } of c.graph.superedges) {
    const [from, to] = [spots.get(source), spots.get(target)];
    if (from && to)
      sv('path', { d: curve(from, to), class: `ac-line e-${weight < 0 ? 'neg' : 'pos'}` }, layer);
  }
  for (const group of c.graph.supernodes) {
    const middle = /** @type {{ x: number, y: number }} */ (spots.get(group.id));
    const made = sv('g', { class: `ac-group ac-chipbox k-${group.kind}` }, layer);
    const corner = { x: middle.x - CHIP.width / 2, y: middle.y - CHIP.height / 2 };
    sv('rect', { ...corner, ...CHIP, rx: 5, class: 'ac-box' }, made);
    sv('text', { x: middle.x, y: middle.y + 4, 'text-anchor': 'middle' }, made, group.id);
    register(c, group.id, made, middle);
  }
}

/**
 * @param {DrawnGroup} group
 * @param {{ x: number, y: number, width: number, height: number }[]} taken
 * @param {(layer: number) => number} layerY
 * @param {(position: number) => { middle: number }} at
 */
function freeSpot(group, taken, layerY, at) {
  const wish = {
    x: at(group.position).middle - CHIP.width / 2,
    y: layerY((group.layers[0] + group.layers[1]) / 2) - CHIP.height / 2,
  };
  const ways = [];
  for (let right = -6; right <= 6; right += 1) {
    for (let down = -3; down <= 3; down += 1) ways.push({ x: wish.x + right * 30, y: wish.y + down * 24 });
  }
  ways.sort((a, b) => Math.hypot(a.x - wish.x, a.y - wish.y) - Math.hypot(b.x - wish.x, b.y - wish.y));
  const free = ways.find(
    ({ x, y }) =>
      x > 28 &&
      y > 56 &&
      taken.every(
        (t) => x + CHIP.width < t.x || t.x + t.width < x || y + CHIP.height < t.y || t.y + t.height < y,
      ),
  );
  return free ?? wish;
}

/**
 * What was taken out is struck through; what is said then stands beside the answer.
 * @param {Circuit} c
 */
export function markChange(c) {
  const layer = c.root?.querySelector('.ac-now');
  if (!layer || !c.graph) return;
  const change = changeOf(c);
  layer.replaceChildren();
  const said = change?.tokens.length ? nowSays(change) : null;
  for (const [id, { el: made }] of c.spots) {
    made.classList.toggle('gone', Boolean(change?.about.includes(id) && !change.kind.startsWith('×')));
    if (id === 'LD') made.classList.toggle('gone', Boolean(said?.other));
  }
  if (!change || !said) return;
  const made = sv('g', { role: 'img' }, layer);
  const told = `${chance(said.now.after)}, before ${chance(said.now.before)}`;
  const name = `now ${visible(said.now.token)}`;
  made.setAttribute('aria-label', `${change.about.join(', ')} ${change.kind}: it says ${name}, ${told}`);
  const answer = c.root?.querySelector('.ac-answer rect');
  const x = Number(answer?.getAttribute('x') ?? 0);
  const wide = Math.min(150, Math.max(96, widthOf(name, FONT.name) + 22, widthOf(told, FONT.small) + 18));
  const left = x - wide - 10 > 4 ? x - wide - 10 : x + Number(answer?.getAttribute('width') ?? 0) + 10;
  sv('rect', { x: left, y: 8, width: wide, height: 40, rx: 10, class: 'ac-nowbox' }, made);
  const middle = { x: left + wide / 2, 'text-anchor': 'middle' };
  sv('text', { ...middle, y: 25, class: 'ac-name' }, made, fit(name, wide - 12, FONT.name));
  sv('text', { ...middle, y: 40 }, made, fit(told, wide - 8, FONT.small));
  for (const id of change.about) {
    const spot = c.spots.get(id);
    const box = spot?.el.querySelector('.ac-box');
    if (!spot || !box || !change.other) continue;
    const words = `→ ${visible(change.other)}`;
    const y = spot.y + Number(box.getAttribute('height') ?? 0) / 2 + 12;
    sv('text', { x: spot.x, y, 'text-anchor': 'middle', class: 'ac-name ac-other' }, layer, words);
  }
}
