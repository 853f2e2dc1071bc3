// The key to the picture, and a sketch of one for a page that has none yet.
import { curve } from './edges.js';
import { el, sv } from './elements.js';
import { DOTS, SHAPES, SIGNS } from './shapes.js';
import { VERDICTS } from './words.js';
/** @import { View } from './types.js' */

// The key to shapes, lines and badges.
export function legend() {
  /** @type {(path: string, kind: string, words: string, box?: string) => HTMLElement} */
  const item = (path, kind, words, box) => {
    const sign = sv('svg', { viewBox: box ?? '-1 -1 13 13', class: `ac-sign ${kind}` });
    sv('path', { d: path }, sign);
    return el('span', null, sign, words);
  };
  /** @param {[string, string, string]} verdict */
  const badge = ([sign, words]) =>
    el('span', { class: 'of-boxes' }, el('b', { class: 'ac-badge' }, sign), words);
  /** @type {(made: HTMLElement, view: View) => HTMLElement} */
  const only = (made, view) => {
    made.classList.add(`of-${view}`);
    return made;
  };
  /** @type {(shape: string, kind: string, words: string) => HTMLElement} */
  const mark = (shape, kind, words) => only(item(DOTS[shape](5), kind, words, '-7 -7 14 14'), 'features');
  /** @type {(kind: string, words: string) => HTMLElement} */
  const edge = (kind, words) => {
    const made = item('M0,5H26', kind, words, '0 0 26 10');
    made.classList.add('of-edges');
    return made;
  };
  /** @type {(kind: string, words: string) => HTMLElement} */
  const swatch = (kind, words) =>
    el('span', { class: 'of-lens' }, el('i', { class: `ac-swatch ${kind}` }), words);
  return el(
    'div',
    { class: 'ac-legend' },
    only(item(SIGNS.input, 'k-input', 'reads text'), 'groups'),
    only(item(SIGNS.middle, 'k-middle', 'in between'), 'groups'),
    only(item(SIGNS.say, 'k-say', 'says a token'), 'groups'),
    mark('input', 'd-input', 'reads text'),
    mark('other', 'd-middle', 'in between'),
    mark('say', 'd-say', 'says a token'),
    mark('say', 'd-say against', 'hollow: against the answer'),
    mark('error', 'd-error', 'not chosen, merged'),
    mark('other', 'd-bos', 'start of the text'),
    only(item(SIGNS.input, 'k-input', 'in the text'), 'concepts'),
    only(item(SIGNS.concept, 'k-middle', 'thought of, not said'), 'concepts'),
    only(item(SIGNS.say, 'k-say', 'the answer'), 'concepts'),
    only(item('M0,5H26', 'e-path', 'the chain', '0 0 26 10'), 'concepts'),
    only(item('M0,5H26', 'e-untold', 'share not measured', '0 0 26 10'), 'concepts'),
    swatch('', 'read there on other texts too'),
    swatch('mid', 'stands out'),
    swatch('full', 'stands out most'),
    swatch('says', 'the answer (thin: next best)'),
    edge('e-pos', 'feeds'),
    edge('e-neg', 'holds back'),
    only(item('M0,5H26', 'e-path', 'strongest path', '0 0 26 10'), 'groups'),
    ...Object.values(VERDICTS).map(badge),
    el(
      'span',
      { class: 'of-groups of-earlier' },
      el('b', { class: 'ac-badge elsewhere' }, '(✓)'),
      'tested beside another token',
    ),
  );
}

// What a circuit will look like, for a page that has none yet.
export function sketch() {
  const made = sv('svg', { viewBox: '0 0 320 190', class: 'ac-sketch', 'aria-hidden': 'true' });
  /** @type {(x: number, y: number, w: number, words: string, shape: (w: number, h: number) => string) => void} */
  const box = (x, y, w, words, shape) => {
    const part = sv('g', { transform: `translate(${x},${y})` }, made);
    sv('path', { d: shape(w, 30) }, part);
    sv('text', { x: w / 2, y: 20, 'text-anchor': 'middle' }, part, words);
  };
  /** @type {(x: number, y: number, toX: number, toY: number) => SVGElement} */
  const line = (x, y, toX, toY) =>
    sv('path', { d: curve({ x, y }, { x: toX, y: toY }), class: 'ac-line' }, made);
  line(58, 160, 58, 138);
  line(156, 160, 156, 138);
  line(58, 108, 238, 84);
  line(156, 108, 252, 84);
  line(250, 47, 250, 34);
  for (const [x, words] of /** @type {[number, string][]} */ ([
    [10, 'a word'],
    [108, 'another'],
    [202, '…'],
  ])) {
    box(x, 160, x < 200 ? 90 : 96, words, SHAPES.middle);
  }
  box(10, 108, 90, 'its meaning', SHAPES.input);
  box(108, 108, 90, 'its role', SHAPES.input);
  box(186, 54, 128, 'what to say', SHAPES.say);
  box(186, 4, 128, 'the answer', SHAPES.middle);
  return made;
}
