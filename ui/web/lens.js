// What the lens reads, as the drawing holds it: which cells there are, and what can be asked of one.
import { OTHER } from './question_box.js';
import { visible } from './words.js';
/** @import { Cell, Concept, Drawing, LensTable, Said } from './types.js' */

export const OUT = 2; // standard deviations from which a word counts as standing out
const FULL = 10; // from which a cell is as dark as can be

/** @param {Drawing} graph */
export const hasLens = (graph) => Boolean(graph.lens?.cells.length);

/** @param {string} token */
const plain = (token) => visible(token).toLowerCase();

/**
 * How dark a cell is, from 0 to 1: a word that is read there on every text says nothing of this one.
 * @param {number | null} score
 */
export const shade = (score) => Math.min(1, Math.max(0, ((score ?? OUT) - OUT) / (FULL - OUT)));

/**
 * @param {string} token
 * @param {string} other
 */
export const alike = (token, other) => plain(token) === plain(other);

/**
 * @param {LensTable} lens
 * @param {Cell} cell
 */
export const bestAt = (lens, { row, column }) => lens.cells[row]?.[column] ?? [];

/** @param {number | null} score */
export function scoreWords(score) {
  if (score === null) return 'no other texts to compare with';
  const size = `${score.toFixed(1)} standard deviations above other texts`.replace('-', '−');
  return score < OUT ? `${size}: does not stand out` : size;
}

/**
 * @param {Drawing} graph
 * @param {LensTable} lens
 * @param {Cell} cell
 * @returns {Said[]}
 */
export function cellLines(graph, lens, cell) {
  const word = visible(graph.tokens[lens.positions[cell.column]] ?? '');
  const best = bestAt(lens, cell);
  return [
    [`at “${word}”, behind layer ${lens.layers[cell.row]}`, 'title'],
    ...best.map(([token, score]) => /** @type {Said} */ ([`${visible(token)}: ${scoreWords(score)}`])),
  ];
}

/**
 * The tested or named concept that a word of a cell is part of.
 * @param {Drawing} graph
 * @param {LensTable} lens
 * @param {Cell} cell
 * @param {string} token
 * @returns {Concept | undefined}
 */
export function conceptAt(graph, lens, cell, token) {
  const [layer, position] = [lens.layers[cell.row], lens.positions[cell.column]];
  return (graph.concepts ?? []).find(
    (one) =>
      one.position === position &&
      one.layers[0] <= layer &&
      layer <= one.layers[1] &&
      [one.name, ...one.tokens].some((text) => alike(text, token)),
  );
}

/**
 * The exchange that a word of a cell offers; a word the text says twice is named with its place.
 * @param {Drawing} graph
 * @param {number} position
 * @param {string} token
 * @param {string} [other]
 */
export function exchange(graph, position, token, other = OTHER) {
  const text = graph.tokens[position] ?? '';
  const word = visible(text).replace(/["“”]/g, '') || '·';
  const clear = word === text.trim() && graph.tokens.filter((one) => alike(one, text)).length === 1;
  const place = clear ? '' : ` (T${position})`;
  return `Replace ${visible(token)} by ${visible(other)} at “${word}”${place}`;
}

/**
 * Words that are known to fit in its place: the other answer, and what was exchanged for it.
 * @param {Drawing} graph
 * @param {string} token
 */
export function othersFor(graph, token) {
  const { answer, foil } = graph.target;
  const swapped = (graph.concepts ?? []).flatMap((one) =>
    one.swap && one.tokens.some((text) => alike(text, token)) ? [one.swap.other] : [],
  );
  const known = [...swapped, ...(foil && alike(token, answer) ? [foil] : [])].map(visible);
  return [...new Set(known)].filter((other) => !alike(other, token)).slice(0, 4);
}

/**
 * Where the answer comes among all that is read at the last word.
 * @param {Drawing} graph
 * @param {LensTable} lens
 */
export function answerLine(graph, lens) {
  const places = lens.places ?? [];
  if (!places.length) return null;
  const name = `“${visible(graph.target.answer)}”`;
  let first = places.length;
  while (first > 0 && places[first - 1] === 1) first -= 1;
  if (first < places.length)
    return `At the last word ${name} comes first from layer ${lens.layers[first]} on.`;
  const best = Math.min(...places);
  const where = lens.layers[places.indexOf(best)];
  return `At the last word ${name} comes no further than place ${best.toLocaleString('en')}, behind layer ${where}.`;
}
