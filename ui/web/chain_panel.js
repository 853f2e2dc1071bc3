// The details beside the chain of concepts: of one concept, or of the whole chain and what was changed.
import { hopsOf, shownConcepts, wayOf } from './chain.js';
import { el, known } from './elements.js';
import { canAsk, OTHER, propose } from './question_box.js';
import { guessBars } from './tryout.js';
import { conceptLines, hopLabel, hopLines, nameOf, visible } from './words.js';

/** @import { Actions, Changed, Concept, Drawing, Hop, Index } from './types.js' */

/**
 * @param {Drawing} graph
 * @param {Concept} one
 */
function questions(graph, one) {
  if (graph.only_seen || !canAsk()) return null;
  const name = visible(one.name);
  /** @type {(label: string, question: string, blank?: string) => HTMLElement} */
  const ask = (label, question, blank) =>
    el('button', { type: 'button', class: 'ac-button', onclick: () => propose(question, blank) }, label);
  return el(
    'section',
    null,
    el('h4', null, 'Ask about it'),
    el(
      'div',
      { class: 'ac-asks' },
      ask('Replace it by …', `Replace ${name} by ${OTHER}`, OTHER),
      ask('Does it think of it?', `Does it think of ${name} on the way?`),
      ask('Where does it know it?', `Where does it know it is ${name}?`),
    ),
  );
}

/**
 * @param {Drawing} graph
 * @param {Index} index
 * @param {string} title
 * @param {Hop[]} hops
 * @param {'source' | 'target'} far
 * @param {(id: string) => void} open
 */
function hopList(graph, index, title, hops, far, open) {
  if (!hops.length) return null;
  const rows = hops.map((hop) => {
    const [, ...lines] = hopLines(graph, index, hop);
    const id = hop[far];
    const words = id === 'LD' ? `the answer, ${visible(graph.target.answer)}` : nameOf(graph, index, id);
    return el(
      'li',
      null,
      el('button', { type: 'button', class: 'ac-link', title: words, onclick: () => open(id) }, words),
      el('b', null, hopLabel(hop, false)),
      el('small', { class: 'ac-heads' }, lines.map(([line]) => line).join('; ')),
    );
  });
  return el('section', null, el('h4', null, title), el('ul', { class: 'ac-weights' }, ...rows));
}

/**
 * @param {Drawing} graph
 * @param {Index} index
 * @param {Concept} one
 * @param {Actions} act
 */
export function conceptPanel(graph, index, one, act) {
  const [title, ...rest] = conceptLines(graph, one);
  const hops = hopsOf(graph).map((edge) => edge.hop);
  const [into, from] = [
    hops.filter((hop) => hop.target === one.id),
    hops.filter((hop) => hop.source === one.id),
  ];
  return [
    el('header', null, el('h3', null, title[0]), ...rest.map(([line]) => el('p', null, line))),
    questions(graph, one),
    el(
      'div',
      { class: 'ac-flows' },
      hopList(graph, index, 'Comes from', into, 'source', act.open),
      hopList(graph, index, 'Leads to', from, 'target', act.open),
    ),
    changeSection(graph, index, graph.changed?.about.includes(one.id) ? graph.changed : null),
  ];
}

/**
 * What was taken out or exchanged, and what is said before and after.
 * @param {Drawing} graph
 * @param {Index} index
 * @param {Changed | null | undefined} change
 */
function changeSection(graph, index, change) {
  if (!change?.tokens.length) return null;
  const names = change.about.map((id) => nameOf(graph, index, id)).join(', ');
  const done = change.other ? `${names} → ${visible(change.other)}` : `${names} ${change.kind}`;
  return el(
    'section',
    { class: 'ac-changed' },
    el('h4', null, 'What changed'),
    el('div', { class: 'ac-says' }, ...guessBars(change.tokens, done)),
  );
}

/**
 * @param {Drawing} graph
 * @param {Index} index
 * @param {Actions} act
 */
export function chainPanel(graph, index, act) {
  /** @param {string} id */
  const name = (id) => (id === 'LD' ? visible(graph.target.answer) : nameOf(graph, index, id));
  const steps = wayOf(graph)
    .filter((id, i, all) => !i || name(id) !== name(all[i - 1]))
    .flatMap((id, i) => [
      i ? el('span', { class: 'ac-then' }, '→') : null,
      el('button', { type: 'button', class: 'ac-chip', onclick: () => act.open(id) }, name(id)),
    ])
    .filter(known);
  const { way, others } = shownConcepts(graph);
  const tested = hopsOf(graph).flatMap(({ hop }) =>
    known(hop.share) || hop.verdict || hop.heads?.length ? [hop] : [],
  );
  const rows = tested.map((hop) => {
    const [title, ...lines] = hopLines(graph, index, hop);
    const words = lines.map(([line]) => line).join('; ');
    return el(
      'li',
      null,
      el('span', { class: 'ac-link' }, title[0]),
      el('small', { class: 'ac-heads' }, words),
    );
  });
  const none = 'No concept on the way was borne out by a test. What the lens reads is shown dashed.';
  return [
    steps.length
      ? el('header', null, el('h3', null, 'How it got there'), el('div', { class: 'ac-path' }, ...steps))
      : null,
    changeSection(graph, index, graph.changed),
    rows.length
      ? el('section', null, el('h4', null, 'Steps'), el('ul', { class: 'ac-weights' }, ...rows))
      : null,
    way.length ? null : el('p', { class: 'ac-hint' }, none),
    others.length && way.length
      ? el('p', { class: 'ac-hint' }, `Dashed: ${others.length} more that the lens reads, not on the chain.`)
      : null,
    el(
      'p',
      { class: 'ac-hint' },
      'Hover an arrow for the heads that carry it. Click a concept to ask about it.',
    ),
  ];
}
