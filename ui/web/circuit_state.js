// One circuit: what is shown, what is looked at, and the elements it is drawn into.
import { el, sv } from './elements.js';
import { sketch } from './legend.js';
import { nameOf } from './words.js';

/** @import { Circuit, CircuitProps, DrawnEdge, Drawing, Focus, Index, Shown, Trigger, View } from './types.js' */

/** @returns {Index} */
function emptyIndex() {
  return {
    nodes: new Map(),
    groups: new Map(),
    concepts: new Map(),
    tokens: new Map(),
    into: () => [],
    from: () => [],
  };
}

/**
 * @param {HTMLElement} element
 * @param {CircuitProps} props
 * @param {Trigger} trigger
 * @returns {Circuit}
 */
export function newCircuit(element, props, trigger) {
  const canvas = el('canvas', { class: 'ac-canvas', 'aria-hidden': 'true' });
  const sheet = el('div', { class: 'ac-sheet' });
  const svg = sv('svg', { class: 'ac-svg', role: 'group', 'aria-label': 'circuit drawing' });
  /** @type {(label: View, name: string) => HTMLElement} */
  const tab = (label, name) =>
    el(
      'button',
      { type: 'button', title: name, 'aria-label': name, class: 'ac-button' },
      label[0].toUpperCase() + label.slice(1),
    );
  return {
    element,
    home: /** @type {HTMLElement} */ (element.querySelector('.ac')),
    props,
    trigger,
    graph: null,
    index: emptyIndex(),
    mode: 'groups',
    opened: new Set(),
    pinned: null,
    hovered: null,
    lit: null,
    held: null,
    strength: { concepts: 1, groups: 0.7, features: 0.15, lens: 1 },
    view: { x: 0, y: 0, k: 1 },
    spots: new Map(),
    links: [],
    bundles: [],
    root: null,
    svg,
    canvas,
    stage: el('div', { class: 'ac-stage' }, canvas, svg, sheet),
    sheet,
    cell: null,
    tip: el('div', { class: 'ac-tip', role: 'tooltip' }),
    panel: el('aside', { class: 'ac-panel', 'aria-live': 'polite' }),
    slider: el('input', { type: 'range', min: 5, max: 100, 'aria-label': 'how many edges' }),
    finder: el('input', { type: 'search', placeholder: 'find…', 'aria-label': 'find a label' }),
    empty: el(
      'div',
      { class: 'ac-empty' },
      sketch(),
      el('p', null, 'The circuit appears here.'),
      el('p', null, 'Ask why the model said something, or click an example.'),
    ),
    behind: el('input', { type: 'checkbox' }),
    tabs: {
      concepts: tab('concepts', 'show the chain of concepts'),
      groups: tab('groups', 'show groups'),
      features: tab('features', 'show every feature'),
      lens: tab('lens', 'show what the lens reads at every word'),
    },
    bench: { show: () => null, answered: () => undefined },
  };
}

/**
 * @param {Circuit} c
 * @returns {c is Shown}
 */
export const isShown = (c) => c.graph !== null && c.root !== null;

/**
 * @param {Drawing} graph
 * @returns {Index}
 */
export function makeIndex(graph) {
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  const groups = new Map(graph.supernodes.map((group) => [group.id, group]));
  const concepts = new Map((graph.concepts ?? []).map((one) => [one.id, one]));
  const tokens = new Map();
  for (const node of graph.nodes) {
    if (node.layer < 0) tokens.set(`T${node.position}`, node.id);
    if (node.kind === 'logit' && !tokens.has('LD')) tokens.set('LD', node.id);
  }
  /** @param {string} id */
  const name = (id) => tokens.get(id) ?? id;
  /** @type {(id: string, end: 'source' | 'target') => DrawnEdge[]} */
  const touching = (id, end) => {
    const all = groups.has(id) ? graph.superedges : [...graph.edges, ...graph.superedges];
    return all
      .filter((edge) => name(edge[end]) === id)
      .sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  };
  return {
    nodes,
    groups,
    concepts,
    tokens,
    into: (id) => touching(id, 'target'),
    from: (id) => touching(id, 'source'),
  };
}

/**
 * What stands in the picture for a node: itself, its group, its token, the answer.
 * @param {Circuit} c
 * @param {string} id
 */
export function standIn(c, id) {
  if (c.spots.has(id)) return id;
  const node = c.index.nodes.get(id);
  if (!node) return null;
  if (node.supernode && c.spots.has(node.supernode)) return node.supernode;
  if (node.layer < 0) return `T${node.position}`;
  return node.kind === 'logit' ? 'LD' : null;
}

/**
 * What the agent calls a thing of the picture; nothing for what it does not know.
 * @param {Circuit} c
 * @param {string | null} id
 * @returns {Focus | null}
 */
export function focusOn(c, id) {
  if (id === null || c.graph === null) return null;
  const kind = c.index.groups.has(id) ? 'supernode' : 'node';
  const named = kind === 'node' ? (c.index.tokens.get(id) ?? id) : id;
  if (kind === 'node' && !c.index.nodes.has(named)) return null;
  return { kind, id: named, label: nameOf(c.graph, c.index, id) };
}
