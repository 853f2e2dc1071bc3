// Puts the circuit on the page: boxes, tokens, edges, dots, at the places layout.js found.
import { bow, curve, ports, route, strongest, trail } from './edges.js';
import { sv } from './elements.js';
import { dotLayout, groupLayout, ROW, ROWS_SHOWN } from './layout.js';
import { clamp, FONT, fit, widthOf } from './measure.js';
import { DOTS, SHAPES, SIGNS } from './shapes.js';
import { earlierOf, layersOf, leadOf, nameOf, neat, percent, signed, verdictOf } from './words.js';

/** @import { Box, Circuit, Column, Columns, Drawing, DrawnGroup, DrawnNode, PlacedBox, Point, RoutedEdge, Shown } from './types.js' */

/**
 * @param {Circuit} c
 * @param {Drawing} graph
 * @returns {Shown}
 */
export function withRoot(c, graph) {
  const defs = sv('defs', {}, c.svg);
  for (const kind of ['pos', 'neg']) {
    const traits = { viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 8, markerHeight: 8 };
    const head = sv(
      'marker',
      { id: `ac-${kind}`, ...traits, markerUnits: 'userSpaceOnUse', orient: 'auto' },
      defs,
    );
    sv('path', { d: 'M0,0L8,4L0,8Z', class: `ac-head-${kind}` }, head);
  }
  const root = sv('g', {}, c.svg);
  return Object.assign(c, { root, graph });
}

/**
 * @param {Shown} c
 * @param {(layer: number) => number} layerY
 * @param {number} width
 */
export function paintAxis(c, layerY, width) {
  const step = Math.max(1, Math.ceil(c.graph.n_layers / 6));
  for (let layer = 0; layer < c.graph.n_layers; layer += step) {
    const y = layerY(layer);
    sv('line', { x1: 26, x2: width, y1: y, y2: y, class: 'ac-row' }, c.root);
    sv('text', { x: 2, y: y + 3.5, class: 'ac-faint' }, c.root, `L${layer}`);
  }
}

/**
 * @param {Shown} c
 * @param {Columns} cols
 * @param {(column: Column) => { x: number, y: number, width: number, height: number }} places
 */
export function paintTokens(c, cols, places) {
  for (const column of cols.list) {
    const id = `T${column.from}`;
    const { x, y, width, height } = places(column);
    const made = sv('g', { class: `ac-token${column.folded ? ' folded' : ''}` }, c.root);
    sv('rect', { x, y, width, height, rx: 6 }, made);
    const middle = { x: x + width / 2, y: y + height / 2 };
    const turn = cols.upright ? {} : { transform: `rotate(-90 ${middle.x} ${middle.y})` };
    const words = fit(column.label, cols.upright ? width - 6 : height - 8, FONT.small);
    sv('text', { x: middle.x, y: middle.y + 4, 'text-anchor': 'middle', ...turn }, made, words);
    if (!column.folded) register(c, id, made, middle, c.index.tokens.get(id) ?? id);
    for (let at = column.from; at <= column.to; at += 1) c.spots.set(`T${at}`, { el: made, ...middle });
  }
}

/**
 * What can be hovered, clicked and reached by the keyboard.
 * @param {Shown} c
 * @param {string} id
 * @param {SVGElement} made
 * @param {Point} middle
 * @param {string} [node]
 */
export function register(c, id, made, middle, node) {
  made.dataset.id = id;
  made.dataset.node = node ?? id;
  made.setAttribute('role', 'button');
  made.setAttribute('aria-label', nameOf(c.graph, c.index, id));
  made.setAttribute('tabindex', c.mode !== 'features' || !c.spots.size ? '0' : '-1');
  made.classList.add('ac-item');
  c.spots.set(id, { el: made, x: middle.x, y: middle.y });
}

/**
 * @param {Circuit} circuit
 * @param {Drawing} graph
 * @param {number} width
 * @param {number} height
 * @returns {number} the height it takes
 */
export function paintGroups(circuit, graph, width, height) {
  const feeds = strongest(graph.superedges, graph.strongest_path, circuit.strength.groups);
  const layout = groupLayout(graph, width, height, circuit.opened, feeds);
  /** @param {string} id */
  const found = (id) => (id === 'LD' ? layout.answer : (layout.boxes.get(id) ?? layout.tokens.get(id)));
  /** @param {string} id */
  const place = (id) => /** @type {Box} */ (found(id)); // only asked for edges that are shown
  const c = withRoot(circuit, graph);
  c.svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  paintAxis(c, layout.layerY, width);
  const shown = feeds.filter((edge) => found(edge.source) && found(edge.target));
  route(shown, place, layout.rows, layout.area);
  ports(shown, place);
  shown.sort((a, b) => Number(a.path) - Number(b.path));
  paintEdges(c, shown, (edge) => (edge.aside ? bow(edge, place, layout.area) : trail(edge)));
  sv('g', { class: 'ac-hot' }, c.root); // behind the boxes, whose words they would cross
  paintTokens(c, layout.cols, (column) => place(`T${column.from}`));
  paintAnswer(c, layout.answer);
  for (const group of graph.supernodes) {
    const box = layout.boxes.get(group.id);
    if (box) paintGroup(c, group, box);
  }
  sv('g', { class: 'ac-hot' }, c.root); // within an opened box
  return layout.height;
}

/**
 * @param {Shown} c
 * @param {RoutedEdge[]} edges
 * @param {(edge: RoutedEdge) => string} wayOf
 */
function paintEdges(c, edges, wayOf) {
  const most = Math.max(...edges.map((edge) => Math.abs(edge.weight)), 1e-9);
  for (const edge of edges) {
    const d = wayOf(edge);
    const wide = 1 + 5 * Math.sqrt(Math.abs(edge.weight) / most);
    const kind = edge.weight < 0 ? 'neg' : 'pos';
    const made = sv('g', { class: `ac-edge e-${kind}${edge.path ? ' e-path' : ''}` }, c.root);
    if (edge.path) sv('path', { d, class: 'ac-halo', 'stroke-width': wide + 6 }, made);
    sv('path', { d, class: 'ac-line', 'stroke-width': wide, 'marker-end': `url(#ac-${kind})` }, made);
    sv('path', { d, class: 'ac-hit' }, made);
    c.links.push({ ...edge, el: made });
    made.dataset.link = String(c.links.length - 1);
  }
}

/**
 * @param {Shown} c
 * @param {Box} box
 */
function paintAnswer(c, box) {
  const made = sv('g', { class: 'ac-answer' }, c.root);
  sv('rect', { x: box.x, y: box.y, width: box.width, height: box.height, rx: 10 }, made);
  const x = box.x + box.width / 2;
  const lead = fit(leadOf(c.graph), box.width - 16, FONT.name);
  sv('text', { x, y: box.y + 17, 'text-anchor': 'middle', class: 'ac-name' }, made, lead);
  sv('text', { x, y: box.y + 32, 'text-anchor': 'middle' }, made, `${signed(c.graph.target.value)} logits`);
  register(c, 'LD', made, { x, y: box.y + 20 }, c.index.tokens.get('LD') ?? 'LD');
}

/**
 * @param {Shown} c
 * @param {DrawnGroup} group
 * @param {PlacedBox} box
 */
function paintGroup(c, group, box) {
  const open = c.opened.has(group.id);
  const looks = `ac-group k-${group.kind}${group.sign < 0 ? ' against' : ''}`;
  const made = sv('g', { class: looks, transform: `translate(${box.x},${box.y})` }, c.root);
  if (c.graph.strongest_path.includes(group.id)) made.classList.add('on-path');
  const shape = SHAPES[group.kind] ?? SHAPES.middle;
  sv('path', { d: shape(box.width, box.height), class: 'ac-box' }, made);
  const frame = { x: 9, y: 8, width: 12, height: 12, viewBox: '-1 -1 13 13' };
  const sign = sv('svg', { ...frame, class: `ac-sign k-${group.kind}` }, made);
  sv('path', { d: SIGNS[group.kind] ?? SIGNS.middle }, sign);
  const lines = box.lines ?? [fit(neat(group.name), box.width - 50, FONT.name)];
  lines.forEach((line, i) => {
    sv('text', { x: 25, y: 18 + i * 15, class: 'ac-name' }, made, line);
  });
  sv('text', { x: 25, y: 18 + lines.length * 15, class: 'ac-meta' }, made, factsOf(group, box.width - 28));
  const before = group.verdict ? undefined : earlierOf(c.graph, group.id)[0];
  const [seal, word] = verdictOf(before ?? group);
  const looksOf = `ac-seal v-${word}${before ? ' elsewhere' : ''}`;
  const badge = sv('g', { class: looksOf, transform: `translate(${box.width},1)` }, made);
  sv('circle', { r: 8.5 }, badge);
  sv('text', { y: 4, 'text-anchor': 'middle' }, badge, before ? `(${seal})` : seal);
  register(c, group.id, made, { x: box.x + box.width / 2, y: box.y + box.height / 2 });
  if (open) paintMembers(c, group, box);
}

/**
 * Id, share and layers, as much of it as there is room for.
 * @param {DrawnGroup} group
 * @param {number} width
 */
function factsOf(group, width) {
  const share = `${group.sign < 0 ? '−' : ''}${percent(group.share)}`;
  const facts = [group.id, share, layersOf(group.layers)];
  const ways = [facts.join(' · '), facts.join(' '), `${facts[0]} · ${facts[2]}`];
  return ways.find((words) => widthOf(words, FONT.small) <= width) ?? group.id;
}

/**
 * @param {Shown} c
 * @param {DrawnGroup} group
 * @param {PlacedBox} box
 */
function paintMembers(c, group, box) {
  const members = group.members.flatMap((id) => c.index.nodes.get(id) ?? []);
  members.sort((a, b) => b.influence - a.influence);
  members.slice(0, ROWS_SHOWN).forEach((node, i) => {
    const y = box.y + 50 + i * ROW;
    const made = sv('g', { class: `ac-member k-${group.kind}` }, c.root);
    sv('rect', { x: box.x + 6, y: y - 7, width: box.width - 12, height: ROW, rx: 4 }, made);
    paintDot(made, node, box.x + 16, y, 3 + 2 * Math.sqrt(node.influence / (members[0].influence || 1)));
    const words = fit(`L${node.layer} ${neat(node.label)}`, box.width - 38, FONT.small);
    sv('text', { x: box.x + 26, y: y + 4 }, made, words);
    register(c, node.id, made, { x: box.x + 16, y });
  });
  if (members.length > ROWS_SHOWN) {
    const place = { x: box.x + 26, y: box.y + 54 + ROWS_SHOWN * ROW, class: 'ac-faint' };
    sv('text', place, c.root, `and ${members.length - ROWS_SHOWN} weaker ones`);
  }
}

/**
 * @param {SVGElement} parent
 * @param {DrawnNode} node
 * @param {number} x
 * @param {number} y
 * @param {number} r
 */
function paintDot(parent, node, x, y, r) {
  const kind = node.kind === 'error' ? 'error' : (node.role ?? 'other');
  const shape = DOTS[kind] ?? DOTS.other;
  const looks = `ac-dot d-${kind}${node.effect < 0 ? ' against' : ''}`;
  sv('path', { d: shape(r), transform: `translate(${x},${y})`, class: looks }, parent);
}

/**
 * @param {Circuit} circuit
 * @param {Drawing} graph
 * @param {number} width
 * @param {number} height
 * @returns {number} the height it takes
 */
export function paintDots(circuit, graph, width, height) {
  const layout = dotLayout(graph, width, height);
  const c = withRoot(circuit, graph);
  c.svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  paintAxis(c, layout.layerY, width);
  bundleEdges(c, layout.spots);
  sv('g', { class: 'ac-hot' }, c.root);
  const y = height - layout.tokenHeight - 6;
  paintTokens(c, layout.cols, (column) => {
    const wide = Math.min(column.width - 3, 104);
    return { x: column.middle - wide / 2, y, width: wide, height: layout.tokenHeight };
  });
  for (const node of graph.nodes) {
    const spot = layout.spots.get(node.id);
    const home = node.layer < 0 ? c.spots.get(`T${node.position}`) : undefined;
    if (home) c.spots.set(node.id, { ...home });
    if (!spot || node.layer < 0) continue;
    const made = sv('g', { class: `ac-feature k-${node.kind}` }, c.root);
    if (node.kind === 'logit') paintAnswerDot(c, made, spot, width);
    else paintDot(made, node, spot.x, spot.y, spot.r);
    register(c, node.id, made, spot);
  }
  return height;
}

/**
 * A few canvas paths by sign and strength: a pan costs eight strokes.
 * @param {Shown} c
 * @param {Map<string, Point>} at
 */
function bundleEdges(c, at) {
  const many = Math.ceil(c.graph.edges.length * c.strength.features);
  const shown = c.graph.edges.slice(0, many).flatMap((edge) => {
    const [from, to] = [at.get(edge.source), at.get(edge.target)];
    return from && to ? [{ ...edge, d: curve(from, to) }] : [];
  });
  const ranks = [0.5, 0.2, 0.05].map((part) => shown.length * part);
  shown.sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  /** @type {Map<string, string[]>} */
  const piles = new Map();
  for (const [rank, edge] of shown.entries()) {
    const level = ranks.filter((limit) => rank < limit).length;
    const key = `${edge.weight < 0 ? 'neg' : 'pos'}${level}`;
    const pile = piles.get(key) ?? [];
    piles.set(key, pile);
    pile.push(edge.d);
    c.links.push({ ...edge, el: null });
  }
  c.bundles = [...piles].sort().map(([key, curves]) => ({
    negative: key.startsWith('neg'),
    level: Number(key.slice(3)),
    path: new Path2D(curves.join('')),
  }));
}

/**
 * @param {Shown} c
 * @param {SVGElement} made
 * @param {Point} spot moves under its words
 * @param {number} width
 */
function paintAnswerDot(c, made, spot, width) {
  const name = fit(leadOf(c.graph), 170, FONT.name);
  const wide = widthOf(name, FONT.name) + 22;
  const x = clamp(spot.x - wide / 2, 30, width - wide - 6);
  made.classList.add('ac-answer');
  sv('rect', { x, y: 8, width: wide, height: 24, rx: 8 }, made);
  sv('text', { x: x + wide / 2, y: 24, 'text-anchor': 'middle', class: 'ac-name' }, made, name);
  spot.y = 34;
}
