// The bench: scale what is pinned and see at once what the model then says; test it; swap a word.
import { focusOn } from './circuit_state.js';
import { el } from './elements.js';
import { leadOf, percent, signed, visible } from './words.js';

/** @import { Bench, Circuit, Drawing, Focus, Guess, Seen } from './types.js' */

const FACTORS = { min: -2, max: 3, step: 0.25 };

/** @param {number} factor */
function byHand(factor) {
  if (factor === 0) return 'removed';
  return factor === 1 ? 'unchanged' : `× ${String(factor).replace('-', '−')}`;
}

/**
 * @param {Circuit} c
 * @returns {Bench}
 */
export function benchOf(c) {
  /** @type {{ id: string | null, factor: number, seen: Seen | null }} */
  let attempt = { id: null, factor: 1, seen: null }; // what stands on the bench
  /** @type {number | null} */
  let asking = null; // the number of the request under way
  let numbers = 0;
  let again = false; // the slider moved while a request was under way
  let settling = 0;
  let update = () => {}; // shows the attempt in the elements now on the page

  /** @param {string} id */
  function show(id) {
    const focus = focusOn(c, id);
    if (!focus || !c.graph || c.graph.only_seen) return null; // without its model a graph can only be looked at
    const word = c.index.nodes.get(id)?.kind === 'token';
    const title = el('h4', null, word ? 'Swap it' : 'Try it');
    return el(
      'section',
      { class: 'ac-bench' },
      title,
      ...(word ? [] : scaler(c.graph, id)),
      swapper(c, focus),
    );
  }

  /** @type {(graph: Drawing, id: string) => (HTMLElement | null)[]} */
  function scaler(graph, id) {
    if (attempt.id !== id) attempt = { id, factor: 1, seen: null };
    const range = el('input', {
      type: 'range',
      ...FACTORS,
      value: attempt.factor,
      list: 'ac-factors',
      'aria-label': 'factor',
      oninput: () => turn(Number(range.value)),
    });
    const told = el('output', { class: 'ac-factor' });
    const bars = el('div', { class: 'ac-says', 'aria-live': 'polite' });
    const controlled = () => c.trigger('act', { ...focusOn(c, id), act: 'test', factor: attempt.factor });
    const test = el(
      'button',
      { type: 'button', class: 'ac-button', onclick: controlled },
      'Test it with controls',
    );
    const off = el('button', { type: 'button', class: 'ac-button', onclick: () => turn(0) }, 'Remove');
    const marks = [el('option', { value: 0 }), el('option', { value: 1 })];
    update = () => {
      const { factor, seen } = attempt;
      range.value = String(factor);
      range.setAttribute('aria-valuetext', byHand(factor));
      told.textContent = byHand(factor);
      test.disabled = factor === 1;
      const hint = 'Move the slider: 0 removes it, 1 leaves it as it is.';
      bars.replaceChildren(...(seen ? saysNow(graph, seen) : [el('p', { class: 'ac-hint' }, hint)]));
    };
    update();
    const scale = el('div', { class: 'ac-scale' }, range, told, off);
    return [scale, el('datalist', { id: 'ac-factors' }, ...marks), bars, test, triedBefore(graph, id)];
  }

  /** @param {number} factor */
  function turn(factor) {
    attempt.factor = factor;
    clearTimeout(settling);
    update();
    if (asking) again = true;
    else settling = window.setTimeout(send, 60);
  }

  function send() {
    again = false;
    numbers += 1;
    const number = numbers;
    asking = number;
    c.trigger('dial', { ...focusOn(c, attempt.id), factor: attempt.factor, n: number });
    setTimeout(() => asking === number && heard(), 8000); // an answer that never comes blocks nothing
  }

  // One request at a time; when it is answered, the newest wish goes out, and at rest it is kept.
  function heard() {
    asking = null;
    if (again) send();
    else {
      const { id, factor } = attempt;
      settling = window.setTimeout(() => keep(id, factor), 1200);
    }
  }

  /** @type {(id: string | null, factor: number) => void} */
  function keep(id, factor) {
    const seen = attempt.seen;
    const still = attempt.id === id && attempt.factor === factor && seen?.factor === factor;
    if (!still || !seen || seen.kept || factor === 1 || seen.why) return;
    seen.kept = true;
    c.trigger('keep', { ...focusOn(c, id), factor });
  }

  function answered() {
    const seen = c.props.tried;
    if (!seen || seen.n !== asking) return;
    if (focusOn(c, attempt.id)?.id === seen.id) {
      attempt.seen = seen;
      update();
    }
    heard();
  }

  return { show, answered };
}

/**
 * What was done to it by hand before, from the ledger.
 * @param {Drawing} graph
 * @param {string} id
 */
function triedBefore(graph, id) {
  const done = (graph.tried ?? []).filter((one) => one.id === id).slice(-4);
  if (!done.length) return null;
  const told = done.map(({ factor, measured }) => `${byHand(factor)}: ${signed(measured)}`);
  return el('p', { class: 'ac-hint' }, `You tried ${told.join(', ')}; no controls.`);
}

/**
 * @param {Circuit} c
 * @param {Focus} focus
 */
function swapper(c, focus) {
  const traits = { type: 'text', maxlength: 100, placeholder: 'another word…', 'aria-label': 'swap with' };
  const words = el('input', traits);
  /** @param {Event} event */
  const send = (event) => {
    event.preventDefault();
    if (words.value.trim()) c.trigger('act', { ...focus, act: 'swap', words: words.value });
  };
  const go = el('button', { type: 'submit', class: 'ac-button' }, 'Swap');
  return el('form', { class: 'ac-swap', onsubmit: send }, words, go);
}

/**
 * The likeliest tokens before and after, as bars.
 * @param {Drawing} graph
 * @param {Seen} seen
 */
function saysNow(graph, seen) {
  if (seen.why) return [el('p', { class: 'ac-hint' }, seen.why)];
  return [
    ...guessBars(seen.tokens, byHand(seen.factor)),
    el(
      'p',
      { class: 'ac-hint' },
      `${leadOf(graph)} changes by ${signed(seen.change)}. No controls were run.`,
    ),
  ];
}

/** @param {Guess} guess */
const likely = ({ before, after }) => (before ?? 0) + (after ?? 0);

/** @param {number | null} share null: not among the likeliest */
export const chance = (share) => (share === null ? 'little' : percent(share));

/**
 * How likely tokens were and are, as bars.
 * @param {Guess[]} tokens
 * @param {string} done what was done
 */
export function guessBars(tokens, done) {
  const most = Math.max(...tokens.flatMap(({ before, after }) => [before ?? 0, after ?? 0]), 1e-9);
  const rows = [...tokens].sort((a, b) => likely(b) - likely(a)).slice(0, 6);
  /** @type {(kind: string, share: number) => HTMLElement} */
  const bar = (kind, share) => {
    const made = el('i', { class: kind });
    made.style.width = `${Math.max(1, (share / most) * 100)}%`;
    return made;
  };
  const [was, now] = [el('i', { class: 'was' }), el('i', { class: 'now' })];
  return [
    el('p', { class: 'ac-key' }, was, 'before', now, done),
    ...rows.map(({ token, before, after }) => {
      const bars = el('div', null, bar('was', before ?? 0), bar('now', after ?? 0));
      const told = el('b', null, `${chance(before)} → ${chance(after)}`);
      return el('div', { class: 'ac-guess' }, el('span', null, visible(token)), bars, told);
    }),
  ];
}
