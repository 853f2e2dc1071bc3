// Lights up what hangs together with the hovered or pinned thing, and the sentences that speak of it.
import { isShown, standIn } from './circuit_state.js';
import { curve } from './edges.js';
import { sv } from './elements.js';
import { bestAt, conceptAt } from './lens.js';
import { nameOf } from './words.js';
/** @import { Circuit, Shown } from './types.js' */

export const SAID = '.ac-said'; // a sentence of the answer; its classes tell what it is about

/**
 * Light up what is near the focus and dim the rest.
 * @param {Circuit} c
 */
export function mark(c) {
  if (!isShown(c)) {
    markSentences(c);
    return;
  }
  const focus = c.lit ? null : (c.hovered ?? (c.pinned && standIn(c, c.pinned)));
  const near = new Set(c.lit ? [...c.lit.ids].map((id) => standIn(c, id) ?? id) : focus ? [focus] : []);
  const wanted = c.finder.value.trim().toLowerCase();
  const there = !c.lit || c.lit.edges.size > 0 || [...near].some((id) => c.spots.has(id));
  const hush = there && Boolean(c.lit || (wanted ? c.hovered : focus)); // what is looked for is not dimmed by a pin
  markLinks(c, focus, near, hush);
  for (const layer of c.root.querySelectorAll('.ac-hot')) layer.replaceChildren();
  const loose =
    focus &&
    !c.index.groups.has(focus) &&
    (c.mode === 'features' || (c.mode === 'groups' && c.opened.size > 0));
  if (loose) hotLines(c, focus, near);
  for (const [id, { el: made }] of c.spots) {
    const words = wanted ? nameOf(c.graph, c.index, id).toLowerCase() : '';
    const dull = (wanted && !words.includes(wanted)) || (hush && !isKin(c, near, id));
    made.classList.toggle('dim', Boolean(dull));
    made.classList.toggle('lit', Boolean(c.lit) && near.has(id));
    made.classList.toggle('pinned', c.pinned !== null && standIn(c, c.pinned) === id);
  }
  markSheet(c, wanted);
  c.stage.classList.toggle('hushed', hush);
  c.stage.classList.toggle('hovering', Boolean(c.hovered || c.lit));
  markSentences(c);
}

/**
 * In the table of the lens: dim what is not looked for, frame what the lit or pinned concepts are read from.
 * @param {Shown} c
 * @param {string} wanted
 */
function markSheet(c, wanted) {
  const { lens } = c.graph;
  if (c.mode !== 'lens' || !lens) return;
  const ids = c.lit ? [...c.lit.ids] : c.pinned ? [c.pinned] : [];
  const about = ids.flatMap((id) => c.index.concepts.get(id) ?? []);
  /** @type {NodeListOf<HTMLElement>} */
  const cells = c.sheet.querySelectorAll('td[data-row]');
  for (const made of cells) {
    const cell = { row: Number(made.dataset.row), column: Number(made.dataset.column) };
    const named = bestAt(lens, cell).flatMap(([token]) => conceptAt(c.graph, lens, cell, token) ?? []);
    made.classList.toggle('dim', Boolean(wanted) && !made.dataset.words?.includes(wanted));
    made.classList.toggle(
      'lit',
      named.some((one) => about.includes(one)),
    );
  }
}

/**
 * @param {Shown} c
 * @param {string | null} focus
 * @param {Set<string>} near grows by the ends of what is lit
 * @param {boolean} hush
 */
function markLinks(c, focus, near, hush) {
  for (const link of c.links) {
    const touched = focus !== null && (link.source === focus || link.target === focus);
    const hot = c.lit ? c.lit.edges.has(`${link.source}>${link.target}`) : touched;
    if (hot) near.add(link.source).add(link.target);
    link.el?.classList.toggle('hot', hot);
    link.el?.classList.toggle('dim', hush && !hot);
  }
}

/**
 * An opened box is as near as its own features are, and the other way round.
 * @param {Circuit} c
 * @param {Set<string>} near
 * @param {string} id
 */
function isKin(c, near, id) {
  if (near.has(id)) return true;
  const home = c.index.nodes.get(id)?.supernode;
  if (home && near.has(home)) return true;
  const members = c.opened.has(id) ? (c.index.groups.get(id)?.members ?? []) : [];
  return members.some((member) => near.has(member));
}

/**
 * @param {Shown} c
 * @param {string} focus
 * @param {Set<string>} near
 */
function hotLines(c, focus, near) {
  const layers = c.root.querySelectorAll('.ac-hot');
  const within = layers[1] ?? layers[0];
  const id = c.index.tokens.get(focus) ?? focus;
  const edges = [...c.index.into(id), ...c.index.from(id)].slice(0, 60);
  const most = Math.max(...edges.map((edge) => Math.abs(edge.weight)), 1e-9);
  for (const edge of edges) {
    const [source, target] = [standIn(c, edge.source), standIn(c, edge.target)];
    const [from, to] = [c.spots.get(source ?? ''), c.spots.get(target ?? '')];
    if (!source || !target || !from || !to || source === target) continue;
    near.add(source).add(target);
    const home = c.index.nodes.get(source)?.supernode;
    const inside = c.mode === 'groups' && home && home === c.index.nodes.get(target)?.supernode;
    const traits = {
      d: curve(from, to),
      'stroke-width': 0.7 + 3 * Math.sqrt(Math.abs(edge.weight) / most),
      class: `ac-line ${edge.weight < 0 ? 'e-neg' : 'e-pos'}`,
    };
    sv('path', traits, inside ? within : layers[0]);
  }
}

/**
 * The parts of the drawing a sentence is about.
 * @param {Element} sentence
 */
export const partsOf = (sentence) =>
  [...sentence.classList].filter((name) => name.startsWith('on-')).map((name) => name.slice(3));

/**
 * Whether a sentence speaks of the circuit that is shown.
 * @param {Circuit} c
 * @param {Element} sentence
 */
export const isOurs = (c, sentence) =>
  c.graph !== null && sentence.classList.contains(`of-${c.graph.circuit}`);

/**
 * What is pinned or hovered in the picture marks the sentences that speak of it.
 * @param {Circuit} c
 */
export function markSentences(c) {
  const focus = c.hovered ?? c.pinned;
  const home = focus && c.index.nodes.get(focus)?.supernode;
  for (const sentence of document.querySelectorAll(SAID)) {
    const ours = isOurs(c, sentence);
    const parts = ours && focus ? partsOf(sentence) : [];
    const about = focus !== null && (parts.includes(focus) || Boolean(home && parts.includes(home)));
    sentence.classList.toggle('lit', about);
    sentence.classList.toggle('held', sentence === c.held);
    const pressed = String(sentence === c.held);
    if (ours && sentence.getAttribute('aria-pressed') !== pressed) {
      sentence.setAttribute('role', 'button');
      sentence.setAttribute('aria-pressed', pressed);
    }
  }
}
