// The interactive circuit: draws props.value, reports clicks by trigger('pick'). Asks nothing itself.
// Runs after layout.js, details.js and picture.js as one function body (Gradio gives it element,
// props, trigger and watch), so what stands here is seen by those and the other way round.
let G = null;
let index = null;
let mode = 'groups';
let opened = new Set();
let pinned = null;
let hovered = null;
let lit = null; // what a sentence of the answer is about: { ids, edges }
let strength = { groups: 0.7, features: 0.15 };
let view = { x: 0, y: 0, k: 1 };
let spots = new Map(); // id -> { x, y, el } of whatever stands for it in the picture
let links = []; // what is drawn as an edge: { source, target, weight, el }
let bundles = []; // canvas paths of the feature edges
let root = null;

const button = (label, name, onclick) => el('button', { type: 'button', title: name,
  'aria-label': name, class: 'ac-button', onclick }, label);
const svg = sv('svg', { class: 'ac-svg', role: 'group', 'aria-label': 'circuit drawing' });
const canvas = el('canvas', { class: 'ac-canvas', 'aria-hidden': 'true' });
const tip = el('div', { class: 'ac-tip', role: 'tooltip' });
const stage = el('div', { class: 'ac-stage' }, canvas, svg);
const panel = el('aside', { class: 'ac-panel', 'aria-live': 'polite' });
const tabs = {
  groups: button('Groups', 'show groups', () => show('groups')),
  features: button('Features', 'show every feature', () => show('features')),
};
const slider = el('input', { type: 'range', min: 5, max: 100, 'aria-label': 'how many edges' });
const finder = el('input', { type: 'search', placeholder: 'find…', 'aria-label': 'find a label' });
const bar = el('div', { class: 'ac-bar' },
  el('div', { class: 'ac-tabs' }, tabs.groups, tabs.features),
  el('label', { class: 'ac-slide' }, 'edges', slider), finder,
  el('div', { class: 'ac-zoom' }, button('−', 'zoom out', () => zoom(1 / 1.3)),
    button('+', 'zoom in', () => zoom(1.3)), button('Reset', 'reset the view', () => reset())));
const empty = el('div', { class: 'ac-empty' }, sketch(),
  el('p', null, 'The circuit appears here.'),
  el('p', null, 'Ask why the model said something, or click an example.'));
element.querySelector('.ac').append(bar, stage, legend(), panel, tip, empty);

function makeIndex(graph) {
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  const groups = new Map(graph.supernodes.map((group) => [group.id, group]));
  const tokens = new Map();
  for (const node of graph.nodes) {
    if (node.layer < 0) tokens.set(`T${node.position}`, node.id);
    if (node.kind === 'logit' && !tokens.has('LD')) tokens.set('LD', node.id);
  }
  const name = (id) => tokens.get(id) ?? id;
  const touching = (id, end) => {
    const all = groups.has(id) ? graph.superedges : graph.edges;
    const both = all.concat(groups.has(id) ? [] : graph.superedges.filter(
      (edge) => name(edge[end]) === id));
    return both.filter((edge) => name(edge[end]) === id)
      .sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  };
  return { nodes, groups, tokens, into: (id) => touching(id, 'target'),
    from: (id) => touching(id, 'source') };
}

// A drawing that came from a file may lack what is needed: say so rather than stop.
function draw() {
  try {
    redraw();
  } catch (error) {
    G = null;
    svg.replaceChildren();
    element.querySelector('.ac').classList.add('ac-none');
    empty.replaceChildren(el('p', null, 'This circuit cannot be shown: the file lacks what a drawing needs.'));
  }
}

function redraw() {
  const text = typeof props.value === 'string'; // a report has it whole; Gradio makes '' of nothing
  const given = text ? JSON.parse(props.value || 'null') : props.value;
  const fresh = given?.nodes ? given : null;
  const same = fresh && G && fresh.graph_id === G.graph_id;
  G = fresh;
  element.querySelector('.ac').classList.toggle('ac-none', !G);
  if (!G) {
    svg.replaceChildren();
    return;
  }
  index = makeIndex(G);
  lit = null;
  if (!same) {
    mode = G.supernodes.length ? 'groups' : 'features';
    opened = new Set();
    if (pinned) trigger('pick', { kind: '', id: '', label: '' }); // it was of another circuit
    pinned = null;
    view = { x: 0, y: 0, k: 1 };
  }
  paint();
}

function paint() {
  if (!G) return;
  const width = stage.clientWidth || 600;
  const height = Math.max(300, stage.clientHeight || 480);
  svg.replaceChildren();
  spots = new Map();
  links = [];
  bundles = [];
  const tall = mode === 'groups' ? paintGroups(width, height) : paintDots(width, height);
  if (view.k === 1 && !view.x && !view.y && tall > height + 1) {
    const k = height / tall;
    view = { x: (width * (1 - k)) / 2, y: 0, k };
  }
  for (const name in tabs) tabs[name].setAttribute('aria-pressed', String(mode === name));
  element.querySelector('.ac').dataset.view = mode;
  slider.value = strength[mode] * 100;
  move();
  ink();
  mark();
  panelNow();
}

// What stands in the picture for a node: itself, its group, its token, the answer.
function standIn(id) {
  if (spots.has(id)) return id;
  const node = index.nodes.get(id);
  if (!node) return null;
  if (spots.has(node.supernode)) return node.supernode;
  if (node.layer < 0) return `T${node.position}`;
  return node.kind === 'logit' ? 'LD' : null;
}

// Light up what hangs together with the hovered or pinned thing, and dim the rest.
function mark() {
  const focus = lit ? null : hovered ?? (pinned && standIn(pinned));
  const near = lit ? standing(lit.ids) : new Set([focus]);
  const wanted = finder.value.trim().toLowerCase();
  const hush = Boolean(lit || (wanted ? hovered : focus)); // what is looked for is not dimmed by a pin
  const loose = focus && !index.groups.has(focus) && (mode === 'features' || opened.size > 0);
  for (const link of links) {
    const hot = lit ? lit.edges.has(`${link.source}>${link.target}`)
      : focus && (link.source === focus || link.target === focus);
    if (hot) near.add(link.source).add(link.target);
    link.el?.classList.toggle('hot', Boolean(hot));
    link.el?.classList.toggle('dim', hush && !hot);
  }
  for (const layer of root.querySelectorAll('.ac-hot')) layer.replaceChildren();
  if (loose) hotLines(focus, near);
  for (const [id, { el: made }] of spots) {
    const words = wanted ? nameOf(G, index, id).toLowerCase() : '';
    const dull = (wanted && !words.includes(wanted)) || (hush && !kin(near, id));
    made.classList.toggle('dim', Boolean(dull));
    made.classList.toggle('lit', Boolean(lit) && near.has(id));
    made.classList.toggle('pinned', Boolean(pinned) && standIn(pinned) === id);
  }
  stage.classList.toggle('hushed', hush);
  stage.classList.toggle('hovering', Boolean(hovered || lit));
  tellSentences();
}

// An opened box is as near as its own features are, and the other way round.
function kin(near, id) {
  if (near.has(id)) return true;
  const home = index.nodes.get(id)?.supernode;
  if (home && near.has(home)) return true;
  return index.groups.has(id) && opened.has(id)
    && index.groups.get(id).members.some((member) => near.has(member));
}

function hotLines(focus, near) {
  const layers = root.querySelectorAll('.ac-hot');
  const within = layers[1] ?? layers[0];
  const id = index.tokens.get(focus) ?? focus;
  const edges = [...index.into(id), ...index.from(id)].slice(0, 60);
  const most = Math.max(...edges.map((edge) => Math.abs(edge.weight)), 1e-9);
  for (const edge of edges) {
    const from = standIn(edge.source);
    const to = standIn(edge.target);
    if (!from || !to || from === to) continue;
    near.add(from).add(to);
    const home = index.nodes.get(from)?.supernode;
    const layer = mode === 'groups' && home && home === index.nodes.get(to)?.supernode ? within : layers[0];
    sv('path', { d: curve(spots.get(from), spots.get(to)), 'stroke-width':
      0.7 + 3 * Math.sqrt(Math.abs(edge.weight) / most),
    class: `ac-line ${edge.weight < 0 ? 'e-neg' : 'e-pos'}` }, layer);
  }
}

function panelNow() {
  const group = index.groups.get(pinned);
  const node = index.nodes.get(index.tokens.get(pinned) ?? pinned);
  const act = { open: reveal, expand, isOpen: (id) => opened.has(id) && mode === 'groups', bench };
  const content = group ? groupPanel(G, index, group, act)
    : node ? nodePanel(G, index, node, act) : startPanel(G, index, act);
  panel.replaceChildren(...content.filter(Boolean));
}

function pin(id) {
  pinned = id;
  lit = null;
  tip.style.display = 'none';
  mark();
  panelNow();
  const what = id ? focusOn(id) : { kind: '', id: '', label: '' };
  if (id) toSentence();
  return what && trigger('pick', what);
}

// What the agent calls a thing of the picture; nothing for what it does not know.
function focusOn(id) {
  const kind = index.groups.has(id) ? 'supernode' : 'node';
  const known_ = kind === 'node' ? index.tokens.get(id) ?? id : id;
  if (kind === 'node' && !index.nodes.has(known_)) return null;
  return { kind, id: known_, label: nameOf(G, index, id) };
}

function reveal(id) {
  const home = index.nodes.get(id)?.supernode;
  if (!standIn(id)) show('features');
  else if (home && !spots.has(id)) {
    opened.add(home);
    paint();
  }
  pin(id);
}

function expand(id) {
  mode = 'groups';
  if (!opened.delete(id)) opened.add(id);
  paint();
}

function show(next) {
  mode = next;
  view = { x: 0, y: 0, k: 1 };
  paint();
}

function reset() {
  view = { x: 0, y: 0, k: 1 };
  opened = new Set();
  finder.value = '';
  paint();
}

function zoom(factor, x = stage.clientWidth / 2, y = stage.clientHeight / 2) {
  const k = clamp(view.k * factor, 0.4, 8);
  view = { k, x: x - ((x - view.x) * k) / view.k, y: y - ((y - view.y) * k) / view.k };
  move();
}

let waiting = false;
let inked = view;
let rest = 0;
let inkTime = 0; // what inking took until the next frame: dear ink waits longer for its rest
function move() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    root?.setAttribute('transform', `translate(${view.x},${view.y}) scale(${view.k})`);
    svg.style.touchAction = view.k > 1.01 ? 'none' : 'pan-y';
    const k = view.k / inked.k; // slide the inked edges along, and ink them afresh at rest
    canvas.style.transform = `translate(${view.x - inked.x * k}px,${view.y - inked.y * k}px) scale(${k})`;
    clearTimeout(rest);
    rest = setTimeout(ink, bundles.length ? Math.max(90, Math.min(3 * inkTime, 1500)) : 0);
  });
}

function ink() {
  const sharp = window.devicePixelRatio || 1;
  const [width, height] = [stage.clientWidth * sharp, stage.clientHeight * sharp];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const brush = canvas.getContext('2d');
  const began = performance.now();
  requestAnimationFrame(() => requestAnimationFrame(() => { inkTime = performance.now() - began; }));
  inked = view;
  canvas.style.transform = '';
  brush.setTransform(1, 0, 0, 1, 0, 0);
  brush.clearRect(0, 0, width, height);
  if (!bundles.length) return;
  brush.setTransform(sharp * view.k, 0, 0, sharp * view.k, sharp * view.x, sharp * view.y);
  const style = getComputedStyle(stage);
  for (const { path, level, negative } of bundles) {
    brush.strokeStyle = style.getPropertyValue(negative ? '--ac-neg' : '--ac-pos');
    brush.globalAlpha = [0.14, 0.26, 0.5, 0.85][level];
    brush.lineWidth = [0.6, 0.9, 1.5, 2.6][level];
    brush.setLineDash(negative ? [4, 3] : []);
    brush.stroke(path);
  }
}

function tell(event, lines) {
  tip.replaceChildren(...lines.map(([line, kind]) => el('div', { class: kind ?? null }, line)));
  tip.style.display = 'block';
  const home = element.querySelector('.ac').getBoundingClientRect();
  const [x, y] = [event.clientX - home.left, event.clientY - home.top];
  tip.style.left = `${clamp(x + 14, 4, Math.max(4, home.width - tip.offsetWidth - 6))}px`;
  const under = y + 16 + tip.offsetHeight < home.height;
  tip.style.top = `${Math.max(4, under ? y + 16 : y - tip.offsetHeight - 12)}px`;
}

function linesOf(id) {
  const group = index.groups.get(id);
  if (group) return groupLines(G, group);
  const node = index.nodes.get(index.tokens.get(id) ?? id);
  return node ? nodeLines(G, node) : [[nameOf(G, index, id), 'title']];
}

const idOf = (event) => event.target.closest?.('.ac-item')?.dataset.id ?? null;

svg.addEventListener('pointermove', (event) => {
  if (drag) return;
  const id = idOf(event);
  const link = links[event.target.closest?.('.ac-edge')?.dataset.link];
  if (id !== hovered) {
    hovered = id;
    mark();
  }
  if (event.pointerType === 'touch') return; // a tap shows the panel instead
  if (id && id === pinned) tip.style.display = 'none'; // the panel says it, and is not to be covered
  else if (id) tell(event, linesOf(id));
  else if (link) tell(event, linkLines(G, index, link));
  else tip.style.display = 'none';
});
svg.addEventListener('pointerleave', () => {
  hovered = null;
  tip.style.display = 'none';
  if (root) mark();
});

let drag = null;
let moved = false;
const fingers = new Map();
svg.addEventListener('pointerdown', (event) => {
  fingers.set(event.pointerId, event);
  drag = { x: event.clientX - view.x, y: event.clientY - view.y };
  moved = false;
});
window.addEventListener('pointermove', (event) => {
  if (!drag || !fingers.has(event.pointerId)) return;
  const before = fingers.get(event.pointerId);
  const other = [...fingers.values()].find((finger) => finger.pointerId !== event.pointerId);
  fingers.set(event.pointerId, event);
  if (other) {
    const apart = (a) => Math.hypot(a.clientX - other.clientX, a.clientY - other.clientY);
    const home = svg.getBoundingClientRect();
    zoom(apart(event) / (apart(before) || 1), (event.clientX + other.clientX) / 2 - home.left,
      (event.clientY + other.clientY) / 2 - home.top);
    return;
  }
  const next = { ...view, x: event.clientX - drag.x, y: event.clientY - drag.y };
  if (!moved && Math.hypot(next.x - view.x, next.y - view.y) < 4) return;
  moved = true;
  view = next;
  tip.style.display = 'none';
  move();
});
for (const end of ['pointerup', 'pointercancel']) {
  window.addEventListener(end, (event) => {
    fingers.delete(event.pointerId);
    drag = null;
  });
}
svg.addEventListener('click', (event) => {
  if (!G || moved || event.detail > 1) return;
  const id = idOf(event);
  if (id) pin(id);
  else if (pinned) pin(null);
});
svg.addEventListener('dblclick', (event) => {
  const id = idOf(event);
  if (index?.groups.has(id)) expand(id);
});
svg.addEventListener('wheel', (event) => {
  event.preventDefault();
  const home = svg.getBoundingClientRect();
  zoom(Math.exp(-event.deltaY * 0.0015), event.clientX - home.left, event.clientY - home.top);
}, { passive: false });

const WAYS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
function step([right, down]) {
  const here = spots.get(document.activeElement?.dataset?.id);
  if (!here) return;
  let best = null;
  for (const { x, y, el: made } of spots.values()) {
    const ahead = (x - here.x) * right + (y - here.y) * down;
    const aside = Math.abs((x - here.x) * down) + Math.abs((y - here.y) * right);
    if (ahead > 1 && (!best || ahead + 2 * aside < best.far)) best = { far: ahead + 2 * aside, made };
  }
  best?.made.focus();
}
svg.addEventListener('keydown', (event) => {
  const id = idOf(event);
  const acts = { Enter: () => id && pin(id), ' ': () => index.groups.has(id) && expand(id),
    Escape: () => pinned && pin(null), '+': () => zoom(1.3), '-': () => zoom(1 / 1.3), 0: reset };
  const act = WAYS[event.key] ? () => step(WAYS[event.key]) : acts[event.key];
  if (!act || !G) return;
  event.preventDefault();
  act();
  if (event.key === ' ') spots.get(id)?.el.focus();
});
svg.addEventListener('focusin', (event) => {
  hovered = idOf(event);
  if (root) mark();
});
svg.addEventListener('focusout', () => {
  hovered = null;
  if (root) mark();
});
slider.addEventListener('input', () => {
  strength[mode] = slider.value / 100;
  paint();
});
finder.addEventListener('input', () => G && mark());
finder.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || !G || !finder.value.trim()) return;
  const wanted = finder.value.trim().toLowerCase();
  const hit = [...spots.keys()].find((id) => nameOf(G, index, id).toLowerCase().includes(wanted));
  if (hit) pin(hit);
});
element.addEventListener('ac-clear', () => {
  pinned = null;
  if (G) {
    mark();
    panelNow();
  }
});
new ResizeObserver(() => requestAnimationFrame(() => {
  const box = svg.viewBox.baseVal;
  const grown = Math.abs(stage.clientWidth - box.width) + Math.abs(stage.clientHeight - box.height);
  if (G && grown > 6) paint();
})).observe(stage);
draw();
watch('value', draw);
