// The details beside the table of the lens: of one cell, or how the table is read.
import { el, known } from './elements.js';
import { answerLine, bestAt, conceptAt, exchange, OUT, othersFor, scoreWords } from './lens.js';
import { canAsk, OTHER, propose } from './question_box.js';
import { conceptVerdict, visible } from './words.js';

/** @import { Actions, Cell, Drawing, LensTable } from './types.js' */

const MOST = 48; // words that a drawing shows

/**
 * @param {Drawing} graph
 * @param {Cell | null} cell
 * @param {Actions} act
 */
export function lensPanel(graph, cell, act) {
  const { lens } = graph;
  if (!lens) return [];
  return cell && bestAt(lens, cell).length ? cellPanel(graph, lens, cell, act) : howToRead(graph, lens);
}

/**
 * @param {Drawing} graph
 * @param {LensTable} lens
 * @param {Cell} cell
 * @param {Actions} act
 */
function cellPanel(graph, lens, cell, act) {
  const position = lens.positions[cell.column];
  const [best] = bestAt(lens, cell);
  const asks = canAsk() && !graph.only_seen;
  /** @type {(label: string, question: string, blank?: string) => HTMLElement} */
  const ask = (label, question, blank) =>
    el('button', { type: 'button', class: 'ac-button', onclick: () => propose(question, blank) }, label);
  const rows = bestAt(lens, cell).map(([token, score]) => {
    const concept = conceptAt(graph, lens, cell, token);
    const open = () => concept && act.open(concept.id);
    return el(
      'li',
      null,
      el('span', { class: 'ac-link' }, visible(token)),
      concept
        ? el(
            'button',
            { type: 'button', class: 'ac-chip', onclick: open },
            `${concept.id} ${conceptVerdict(concept)[0]}`,
          )
        : null,
      asks ? ask('Replace it by …', exchange(graph, position, token), OTHER) : null,
      el('small', { class: 'ac-heads' }, scoreWords(score)),
    );
  });
  const others = asks ? othersFor(graph, best[0]) : [];
  return [
    el(
      'header',
      null,
      el('h3', null, visible(best[0])),
      el(
        'p',
        null,
        `read best at “${visible(graph.tokens[position] ?? '')}”, behind layer ${lens.layers[cell.row]}`,
      ),
    ),
    el('section', null, el('h4', null, 'Read there'), el('ul', { class: 'ac-weights' }, ...rows)),
    others.length
      ? el(
          'section',
          null,
          el('h4', null, `In the place of “${visible(best[0])}”`),
          el(
            'div',
            { class: 'ac-asks' },
            ...others.map((one) => ask(one, exchange(graph, position, best[0], one))),
          ),
        )
      : null,
    el(
      'p',
      { class: 'ac-hint' },
      'That a word is read here is no proof that the model uses it: an exchange tests it.',
    ),
  ];
}

/**
 * @param {Drawing} graph
 * @param {LensTable} lens
 */
function howToRead(graph, lens) {
  const step =
    lens.layers.length > 1 ? lens.layers[lens.layers.length - 1] - lens.layers[lens.layers.length - 2] : 1;
  const left = [
    lens.positions.length >= MOST ? `Only the last ${lens.positions.length} words are shown.` : '',
    step > 1 ? `Every ${step === 2 ? 'second' : `${step}th`} layer is shown.` : '',
  ].filter(Boolean);
  const place = answerLine(graph, lens);
  return [
    el('header', null, el('h3', null, 'What it has in mind, word by word')),
    el(
      'p',
      null,
      'Each cell is the word that the concept lens reads best behind that layer, at that word of the text.',
    ),
    place ? el('p', null, place) : null,
    el(
      'p',
      { class: 'ac-hint' },
      `The darker, the more it stands out against what is read there for other texts; pale: less than ${OUT} standard deviations.`,
    ),
    left.length ? el('p', { class: 'ac-hint' }, left.join(' ')) : null,
    el(
      'p',
      { class: 'ac-hint' },
      canAsk() && !graph.only_seen
        ? 'Hover for the next best words. Click a word to exchange it for another.'
        : 'Hover or click for the next best words.',
    ),
  ].filter(known);
}
