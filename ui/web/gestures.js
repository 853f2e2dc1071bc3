// Mouse, touch and keyboard on the picture; the slider, the search box, and what says more on hover.
import { isShown } from './circuit_state.js';
import { el } from './elements.js';
import { mark } from './marks.js';
import { clamp } from './measure.js';
import { conceptLines, groupLines, linkLines, nameOf, nodeLines } from './words.js';

/** @import { CircuitActions } from './actions.js' */
/** @import { Circuit, Drawing, Said } from './types.js' */
/** @import { Viewer } from './view.js' */

/** @param {Event} event */
const idOf = (event) => {
  const item = event.target instanceof Element ? event.target.closest('.ac-item') : null;
  return item instanceof SVGElement ? (item.dataset.id ?? null) : null;
};

/**
 * @param {Circuit} c
 * @param {{ clientX: number, clientY: number }} event
 * @param {Said[]} lines
 */
export function tell(c, event, lines) {
  c.tip.replaceChildren(...lines.map(([line, kind]) => el('div', { class: kind }, line)));
  c.tip.style.display = 'block';
  const home = c.home.getBoundingClientRect();
  const [x, y] = [event.clientX - home.left, event.clientY - home.top];
  c.tip.style.left = `${clamp(x + 14, 4, Math.max(4, home.width - c.tip.offsetWidth - 6))}px`;
  const under = y + 16 + c.tip.offsetHeight < home.height;
  c.tip.style.top = `${Math.max(4, under ? y + 16 : y - c.tip.offsetHeight - 12)}px`;
}

/**
 * @param {Circuit} c
 * @param {Drawing} graph
 * @param {string} id
 * @returns {Said[]}
 */
function linesOf(c, graph, id) {
  const concept = c.index.concepts.get(id);
  if (concept) return conceptLines(graph, concept);
  const group = c.index.groups.get(id);
  if (group) return groupLines(graph, group);
  const node = c.index.nodes.get(c.index.tokens.get(id) ?? id);
  return node ? nodeLines(graph, node) : [[nameOf(graph, c.index, id), 'title']];
}

/**
 * @param {Circuit} c
 * @param {PointerEvent} event
 */
function hover(c, event) {
  if (!c.graph) return;
  const id = idOf(event);
  const edge = event.target instanceof Element ? event.target.closest('.ac-edge') : null;
  const link = edge instanceof SVGElement ? c.links[Number(edge.dataset.link)] : undefined;
  if (id !== c.hovered) {
    c.hovered = id;
    mark(c);
  }
  if (event.pointerType === 'touch') return; // a tap shows the panel instead
  if (id && id !== c.pinned) tell(c, event, linesOf(c, c.graph, id));
  else if (link && !id) tell(c, event, linkLines(c.graph, c.index, link));
  else c.tip.style.display = 'none'; // what is pinned stands in the panel, and is not to be covered
}

/**
 * @param {Circuit} c
 * @param {Viewer} viewer
 * @param {CircuitActions} actions
 */
export function listenToPointers(c, viewer, actions) {
  const { svg } = c;
  /** @type {{ x: number, y: number } | null} */
  let drag = null;
  let moved = false;
  /** @type {Map<number, PointerEvent>} */
  const fingers = new Map();
  svg.addEventListener('pointermove', (event) => {
    if (!drag) hover(c, event);
  });
  svg.addEventListener('pointerleave', () => {
    c.hovered = null;
    c.tip.style.display = 'none';
    if (c.root) mark(c);
  });
  svg.addEventListener('pointerdown', (event) => {
    fingers.set(event.pointerId, event);
    drag = { x: event.clientX - c.view.x, y: event.clientY - c.view.y };
    moved = false;
  });
  window.addEventListener('pointermove', (event) => {
    const before = fingers.get(event.pointerId);
    if (!drag || !before) return;
    const other = [...fingers.values()].find((finger) => finger.pointerId !== event.pointerId);
    fingers.set(event.pointerId, event);
    if (other) {
      pinch(c, viewer, before, event, other);
      return;
    }
    const next = { ...c.view, x: event.clientX - drag.x, y: event.clientY - drag.y };
    if (!moved && Math.hypot(next.x - c.view.x, next.y - c.view.y) < 4) return;
    moved = true;
    c.view = next;
    c.tip.style.display = 'none';
    viewer.move();
  });
  for (const end of /** @type {const} */ (['pointerup', 'pointercancel'])) {
    window.addEventListener(end, (event) => {
      fingers.delete(event.pointerId);
      drag = null;
    });
  }
  svg.addEventListener('click', (event) => {
    if (!c.graph || moved || event.detail > 1) return;
    const id = idOf(event);
    if (id) actions.pin(id);
    else if (c.pinned) actions.pin(null);
  });
  svg.addEventListener('dblclick', (event) => {
    const id = idOf(event);
    if (id && c.index.groups.has(id)) actions.expand(id);
  });
  const wheel = (/** @type {WheelEvent} */ event) => {
    event.preventDefault();
    const home = svg.getBoundingClientRect();
    viewer.zoom(Math.exp(-event.deltaY * 0.0015), event.clientX - home.left, event.clientY - home.top);
  };
  svg.addEventListener('wheel', wheel, { passive: false });
}

/**
 * Two fingers zoom about their middle.
 * @param {Circuit} c
 * @param {Viewer} viewer
 * @param {PointerEvent} before
 * @param {PointerEvent} now
 * @param {PointerEvent} other
 */
function pinch(c, viewer, before, now, other) {
  /** @param {PointerEvent} a */
  const apart = (a) => Math.hypot(a.clientX - other.clientX, a.clientY - other.clientY);
  const home = c.svg.getBoundingClientRect();
  const x = (now.clientX + other.clientX) / 2 - home.left;
  const y = (now.clientY + other.clientY) / 2 - home.top;
  viewer.zoom(apart(now) / (apart(before) || 1), x, y);
}

/**
 * Go to the nearest thing in a direction.
 * @param {Circuit} c
 * @param {[number, number]} way
 */
function step(c, [right, down]) {
  const focused = document.activeElement;
  const here = focused instanceof SVGElement ? c.spots.get(focused.dataset.id ?? '') : undefined;
  if (!here) return;
  let far = Number.POSITIVE_INFINITY;
  /** @type {SVGElement | null} */
  let best = null;
  for (const { x, y, el: made } of c.spots.values()) {
    const ahead = (x - here.x) * right + (y - here.y) * down;
    const aside = Math.abs((x - here.x) * down) + Math.abs((y - here.y) * right);
    if (ahead > 1 && ahead + 2 * aside < far) {
      far = ahead + 2 * aside;
      best = made;
    }
  }
  best?.focus();
}

/**
 * @param {Circuit} c
 * @param {Viewer} viewer
 * @param {CircuitActions} actions
 */
export function listenToKeys(c, viewer, actions) {
  /** @type {Record<string, (id: string | null) => unknown>} */
  const acts = {
    ArrowUp: () => step(c, [0, -1]),
    ArrowDown: () => step(c, [0, 1]),
    ArrowLeft: () => step(c, [-1, 0]),
    ArrowRight: () => step(c, [1, 0]),
    Enter: (id) => id && actions.pin(id),
    ' ': (id) => id && c.index.groups.has(id) && actions.expand(id),
    Escape: () => c.pinned && actions.pin(null),
    '+': () => viewer.zoom(1.3),
    '-': () => viewer.zoom(1 / 1.3),
    0: () => actions.reset(),
  };
  c.svg.addEventListener('keydown', (event) => {
    const act = acts[event.key];
    if (!act || !c.graph) return;
    const id = idOf(event);
    event.preventDefault();
    act(id);
    if (event.key === ' ' && id) c.spots.get(id)?.el.focus();
  });
  c.svg.addEventListener('focusin', (event) => {
    c.hovered = idOf(event);
    if (c.root) mark(c);
  });
  c.svg.addEventListener('focusout', () => {
    c.hovered = null;
    if (c.root) mark(c);
  });
  c.slider.addEventListener('input', () => {
    c.strength[c.mode] = Number(c.slider.value) / 100;
    actions.paint();
  });
  c.finder.addEventListener('input', () => c.graph && mark(c));
  c.finder.addEventListener('keydown', (event) => {
    const wanted = c.finder.value.trim().toLowerCase();
    if (event.key !== 'Enter' || !isShown(c) || !wanted) return;
    const { graph, index } = c;
    const hit = [...c.spots.keys()].find((id) => nameOf(graph, index, id).toLowerCase().includes(wanted));
    if (hit) actions.pin(hit);
  });
}
