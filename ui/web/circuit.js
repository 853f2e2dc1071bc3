// The interactive circuit: draws props.value, reports clicks by trigger('pick'). Asks nothing itself.
import { actionsOf } from './actions.js';
import { hasChain } from './chain.js';
import { markChange } from './chain_picture.js';
import { makeIndex, newCircuit } from './circuit_state.js';
import { el } from './elements.js';
import { listenToKeys, listenToPointers } from './gestures.js';
import { legend } from './legend.js';
import { hasLens } from './lens.js';
import { listenToSheet } from './lens_view.js';
import { mark } from './marks.js';
import { listenToReadings } from './readings.js';
import { listenToSentences } from './sentences.js';
import { listenToSave } from './snapshot.js';
import { listenToTokens } from './tokens.js';
import { benchOf } from './tryout.js';
import { viewerOf } from './view.js';
/** @import { CircuitActions } from './actions.js' */
/** @import { Circuit, CircuitProps, Drawing, Trigger, View, Watch } from './types.js' */
/** @import { Viewer } from './view.js' */

/**
 * @param {HTMLElement} element holds a `.ac`
 * @param {CircuitProps} props
 * @param {Trigger} trigger
 * @param {Watch} watch
 */
export function drawCircuit(element, props, trigger, watch) {
  const c = newCircuit(element, props, trigger);
  const viewer = viewerOf(c);
  c.bench = benchOf(c);
  const actions = actionsOf(c, viewer);
  c.home.append(toolbar(c, viewer, actions), c.stage, legend(), c.panel, c.tip, c.empty);
  listenToPointers(c, viewer, actions);
  listenToKeys(c, viewer, actions);
  listenToSheet(c, actions);
  listenToSave(c);
  listenToSentences(c);
  listenToTokens(c);
  listenToReadings();
  element.addEventListener('ac-clear', () => {
    c.pinned = null;
    mark(c);
    actions.tellDetails();
  });
  const fitted = () => {
    const box = c.svg.viewBox.baseVal;
    const grown = Math.abs(c.stage.clientWidth - box.width) + Math.abs(c.stage.clientHeight - box.height);
    if (c.graph && grown > 6) actions.paint();
  };
  new ResizeObserver(() => requestAnimationFrame(fitted)).observe(c.stage);
  const draw = () => tryToDraw(c, actions);
  draw();
  watch('value', draw);
  watch('tried', () => {
    c.bench.answered();
    markChange(c);
  });
}

/**
 * @param {Circuit} c
 * @param {Viewer} viewer
 * @param {CircuitActions} actions
 */
function toolbar(c, viewer, actions) {
  /** @type {(label: string, name: string, onclick: () => void) => HTMLElement} */
  const button = (label, name, onclick) =>
    el('button', { type: 'button', title: name, 'aria-label': name, class: 'ac-button', onclick }, label);
  c.tabs.concepts.addEventListener('click', () => actions.show('concepts'));
  c.behind.addEventListener('change', () => actions.paint());
  c.tabs.groups.addEventListener('click', () => actions.show('groups'));
  c.tabs.features.addEventListener('click', () => actions.show('features'));
  c.tabs.lens.addEventListener('click', () => actions.show('lens'));
  return el(
    'div',
    { class: 'ac-bar' },
    el('div', { class: 'ac-tabs' }, c.tabs.concepts, c.tabs.groups, c.tabs.features, c.tabs.lens),
    el('label', { class: 'ac-slide of-concepts' }, c.behind, 'features behind it'),
    el('label', { class: 'ac-slide of-edges' }, 'edges', c.slider),
    c.finder,
    el(
      'div',
      { class: 'ac-zoom' },
      button('−', 'zoom out', () => viewer.zoom(1 / 1.3)),
      button('+', 'zoom in', () => viewer.zoom(1.3)),
      button('Reset', 'reset the view', () => actions.reset()),
    ),
  );
}

/**
 * A drawing that came from a file may lack what is needed: say so rather than stop.
 * @param {Circuit} c
 * @param {CircuitActions} actions
 */
function tryToDraw(c, actions) {
  try {
    redraw(c, actions);
  } catch {
    clear(c);
    const why = 'This circuit cannot be shown: the file lacks what a drawing needs.';
    c.empty.replaceChildren(el('p', null, why));
  }
}

/** @param {Circuit} c */
function clear(c) {
  c.graph = null;
  c.root = null;
  c.svg.replaceChildren();
  c.home.classList.add('ac-none');
}

/**
 * @param {Circuit} c
 * @param {CircuitActions} actions
 */
function redraw(c, actions) {
  const { value } = c.props;
  const given = typeof value === 'string' ? JSON.parse(value || 'null') : value; // Gradio makes '' of nothing
  if (!given?.nodes) {
    clear(c);
    return;
  }
  const fresh = /** @type {Drawing} */ (given);
  const same = fresh.graph_id === c.graph?.graph_id;
  const gained = hasChain(fresh) && !(c.graph && hasChain(c.graph));
  c.graph = fresh;
  c.tabs.concepts.hidden = !hasChain(fresh);
  c.tabs.lens.hidden = !hasLens(fresh);
  c.home.classList.remove('ac-none');
  c.home.classList.toggle('has-earlier', Boolean(fresh.earlier?.length));
  c.index = makeIndex(fresh);
  c.lit = null;
  const gone = (c.mode === 'concepts' && !hasChain(fresh)) || (c.mode === 'lens' && !hasLens(fresh));
  if (!same || gained || gone) c.mode = firstView(fresh);
  if (!same) {
    c.opened = new Set();
    c.cell = null;
    if (c.pinned) c.trigger('pick', { kind: '', id: '', label: '' }); // it was of another circuit
    c.pinned = null;
    c.view = { x: 0, y: 0, k: 1 };
  }
  actions.paint();
}

/**
 * The most that is known: concepts, else groups, else features.
 * @param {Drawing} graph
 * @returns {View}
 */
function firstView(graph) {
  if (hasChain(graph)) return 'concepts';
  return graph.supernodes.length ? 'groups' : 'features';
}
