// The table of what the lens reads: layers upward, words along the bottom, in each cell the best word.
import { isShown } from './circuit_state.js';
import { el } from './elements.js';
import { tell } from './gestures.js';
import { alike, bestAt, cellLines, exchange, hasLens, OUT, scoreWords, shade } from './lens.js';
import { withRoot } from './picture.js';
import { canAsk, OTHER, propose } from './question_box.js';
import { visible } from './words.js';

/** @import { CircuitActions } from './actions.js' */
/** @import { Cell, Circuit, Drawing, LensTable } from './types.js' */

const DARKEST = 55; // percent: the word on it is to be read

/** @type {WeakMap<HTMLElement, Drawing>} what a sheet shows, so that it is not made anew with every resize */
const shown = new WeakMap();

/**
 * @param {Circuit} circuit
 * @param {Drawing} graph
 * @param {number} width
 * @param {number} height
 * @returns {number} the height it takes
 */
export function paintLens(circuit, graph, width, height) {
  const c = withRoot(circuit, graph);
  c.svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  const { lens } = graph;
  if (lens && shown.get(c.sheet) !== graph) {
    shown.set(c.sheet, graph);
    if (!c.cell || !bestAt(lens, c.cell).length) c.cell = null;
    c.sheet.replaceChildren(tableOf(graph, lens, c.cell));
  }
  return height;
}

/**
 * @param {Drawing} graph
 * @param {LensTable} lens
 * @param {Cell | null} chosen
 */
function tableOf(graph, lens, chosen) {
  const entry = chosen ?? { row: lens.layers.length - 1, column: lens.positions.length - 1 };
  const rows = lens.layers.map((layer, row) => {
    const cells = lens.positions.map((_, column) => {
      const cell = { row, column };
      const enters = row === entry.row && column === entry.column;
      return cellOf(graph, lens, cell, enters, Boolean(chosen) && enters);
    });
    const place = lens.places?.length ? el('td', { class: 'ac-place' }, short(lens.places[row])) : null;
    return el('tr', null, el('th', { scope: 'row' }, `L${layer}`), ...cells, place);
  });
  const words = lens.positions.map((position) => {
    const word = visible(graph.tokens[position] ?? '');
    return el('th', { scope: 'col', title: word }, el('span', null, word));
  });
  const name = `place of ${visible(graph.target.answer)}`;
  const told = { scope: 'col', class: 'ac-place', title: 'at the last word, among all that is read there' };
  const last = lens.places?.length ? el('th', told, name) : null;
  return el(
    'table',
    { role: 'grid', 'aria-label': 'What the lens reads: layers upward, words of the text along the bottom' },
    el('tbody', null, ...rows.reverse()),
    el('tfoot', null, el('tr', null, el('th', null, ''), ...words, last)),
  );
}

/**
 * @param {Drawing} graph
 * @param {LensTable} lens
 * @param {Cell} cell
 * @param {boolean} enters whether Tab leads here
 * @param {boolean} chosen
 */
function cellOf(graph, lens, cell, enters, chosen) {
  const best = bestAt(lens, cell);
  const [token, score] = best[0] ?? ['', null];
  const answer = best.findIndex(([word]) => alike(word, graph.target.answer));
  const looks = [
    score !== null && score < OUT ? 'faint' : '',
    answer === 0 ? 'says' : answer > 0 ? 'nearly' : '',
  ];
  const [where] = cellLines(graph, lens, cell);
  const made = el(
    'td',
    {
      class: looks.join(' '),
      tabindex: enters ? 0 : -1,
      'aria-selected': String(chosen),
      'aria-label': best.length
        ? `${visible(token)}, ${where[0]}, ${scoreWords(score)}`
        : `nothing, ${where[0]}`,
    },
    el('span', null, visible(token)),
  );
  made.style.setProperty('--out', `${Math.round(shade(score) * DARKEST)}%`);
  made.dataset.row = String(cell.row);
  made.dataset.column = String(cell.column);
  made.dataset.words = best.map(([word]) => visible(word).toLowerCase()).join('\n');
  return made;
}

/** @param {number} place */
const short = (place) => (place < 10000 ? place.toLocaleString('en') : `${Math.round(place / 1000)}k`);

/**
 * @param {Event} event
 * @returns {HTMLElement | null}
 */
const cellFrom = (event) =>
  event.target instanceof Element ? event.target.closest('.ac-sheet td[data-row]') : null;

/**
 * @param {HTMLElement} made
 * @returns {Cell}
 */
const readCell = (made) => ({ row: Number(made.dataset.row), column: Number(made.dataset.column) });

/**
 * Hover and focus say more; a click or Enter offers the exchange, a tap shows the details first.
 * @param {Circuit} c
 * @param {CircuitActions} actions
 */
export function listenToSheet(c, actions) {
  const { sheet } = c;
  /** @param {HTMLElement} made */
  const more = (made) => {
    if (!isShown(c) || !c.graph.lens) return;
    const place = made.getBoundingClientRect();
    tell(
      c,
      { clientX: place.right - 14, clientY: place.bottom - 12 },
      cellLines(c.graph, c.graph.lens, readCell(made)),
    );
  };
  const hide = () => {
    c.tip.style.display = 'none';
  };
  /** @param {HTMLElement} made */
  const enter = (made) => {
    for (const other of sheet.querySelectorAll('[tabindex="0"]')) other.setAttribute('tabindex', '-1');
    made.tabIndex = 0;
  };
  /** @type {(made: HTMLElement, asks: boolean) => void} */
  const choose = (made, asks) => {
    const lens = c.graph?.lens;
    if (!c.graph || !lens) return;
    c.cell = readCell(made);
    enter(made);
    for (const other of sheet.querySelectorAll('[aria-selected="true"]'))
      other.setAttribute('aria-selected', 'false');
    made.setAttribute('aria-selected', 'true');
    hide();
    if (c.pinned) actions.pin(null);
    actions.tellDetails();
    const [token] = bestAt(lens, c.cell)[0] ?? [];
    if (token && asks && canAsk() && !c.graph.only_seen)
      propose(exchange(c.graph, lens.positions[c.cell.column], token), OTHER);
  };
  sheet.addEventListener('pointerover', (event) => {
    const made = cellFrom(event);
    if (made && event.pointerType !== 'touch') more(made);
    else hide();
  });
  sheet.addEventListener('pointerleave', hide);
  sheet.addEventListener('scroll', hide, { passive: true });
  sheet.addEventListener('focusin', (event) => {
    const made = cellFrom(event);
    if (!made) return;
    enter(made);
    if (made.matches(':focus-visible')) more(made);
  });
  sheet.addEventListener('focusout', hide);
  sheet.addEventListener('click', (event) => {
    const made = cellFrom(event);
    const touched = /** @type {PointerEvent} */ (event).pointerType === 'touch';
    if (made) choose(made, !touched);
  });
  sheet.addEventListener('keydown', (event) => {
    const made = cellFrom(event);
    if (!made || !c.graph || !hasLens(c.graph)) return;
    const next = stepped(sheet, readCell(made), event.key);
    if (next) next.focus();
    else if (event.key === 'Enter' || event.key === ' ') choose(made, true);
    else return;
    event.preventDefault();
  });
}

/**
 * The cell an arrow leads to: layers go upward.
 * @param {HTMLElement} sheet
 * @param {Cell} cell
 * @param {string} key
 * @returns {HTMLElement | null}
 */
function stepped(sheet, { row, column }, key) {
  /** @type {Record<string, [number, number]>} */
  const ways = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const way = ways[key];
  if (!way) return null;
  return sheet.querySelector(`td[data-row="${row + way[0]}"][data-column="${column + way[1]}"]`);
}
