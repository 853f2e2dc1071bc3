// The details beside the picture: of a group, of a node, or of the whole circuit.
import { el, known, sv } from './elements.js';
import {
  called,
  earlierLine,
  earlierOf,
  headsOf,
  leadOf,
  neat,
  nodeLines,
  percent,
  signed,
  verdictOf,
  whereIs,
} from './words.js';

/** @import { Actions, Drawing, DrawnEdge, DrawnGroup, DrawnNode, Index } from './types.js' */

/**
 * The test of one group: each control a tick, the prediction a diamond, the measurement a bar.
 * @param {DrawnGroup} group
 */
function stripPlot(group) {
  const { controls, predicted, measured } = group;
  const values = controls?.values ?? [];
  const all = [0, ...values, predicted, measured].filter(known);
  const low = Math.min(...all);
  const high = Math.max(...all);
  const room = (high - low || 1) * 0.1;
  /** @param {number} value */
  const x = (value) => 6 + ((value - low + room) / (high - low + 2 * room || 1)) * 238;
  const plot = sv('svg', { viewBox: '0 0 250 74', class: 'ac-strip', role: 'img' });
  plot.setAttribute('aria-label', `measured ${signed(measured)}, predicted ${signed(predicted)}`);
  sv('line', { x1: 6, x2: 244, y1: 46, y2: 46, class: 'ac-base' }, plot);
  sv('line', { x1: x(0), x2: x(0), y1: 22, y2: 52, class: 'ac-zero' }, plot);
  sv('text', { x: x(0), y: 64, 'text-anchor': 'middle', class: 'ac-faint' }, plot, '0');
  values.forEach((value, i) => {
    const y = 30 + ((i * 7) % 13);
    sv('circle', { cx: x(value), cy: y, r: 1.9, class: 'ac-control' }, plot);
  });
  /** @type {(value: number, y: number, text: string, kind: string) => void} */
  const label = (value, y, text, kind) => {
    const anchor = x(value) < 70 ? 'start' : x(value) > 180 ? 'end' : 'middle';
    sv('text', { x: x(value), y, 'text-anchor': anchor, class: kind }, plot, text);
  };
  if (known(measured)) {
    sv('line', { x1: x(measured), x2: x(measured), y1: 18, y2: 52, class: 'ac-measured' }, plot);
    label(measured, 12, `measured ${signed(measured)}`, 'ac-strong');
  }
  if (known(predicted)) {
    const at = x(predicted);
    sv('path', { d: `M${at},40l5,6l-5,6l-5,-6z`, class: 'ac-predicted' }, plot);
    const far = Math.abs(at - x(0)) > 24;
    label(predicted, 70, `predicted ${signed(predicted)}`, far ? 'ac-faint' : 'ac-gone');
  }
  return plot;
}

/**
 * @param {Drawing} graph
 * @param {Index} index
 * @param {string} title
 * @param {DrawnEdge[]} edges
 * @param {'source' | 'target'} far
 * @param {(id: string) => void} open
 */
function weightList(graph, index, title, edges, far, open) {
  if (!edges.length) return null;
  const most = Math.max(...edges.map((edge) => Math.abs(edge.weight)));
  const rows = edges.slice(0, 8).map((edge) => {
    const bar = el('i', { class: edge.weight < 0 ? 'ac-neg' : 'ac-pos' });
    bar.style.width = `${Math.max(3, (Math.abs(edge.weight) / most) * 44)}px`;
    const words = called(graph, index, edge[far]);
    const name = el(
      'button',
      { type: 'button', class: 'ac-link', title: words, onclick: () => open(edge[far]) },
      words,
    );
    const heads = headsOf(edge);
    return el(
      'li',
      null,
      name,
      bar,
      el('b', null, signed(edge.weight)),
      heads ? el('small', { class: 'ac-heads' }, heads) : null,
    );
  });
  return el('section', null, el('h4', null, title), el('ul', { class: 'ac-weights' }, ...rows));
}

/**
 * @param {DrawnGroup} group
 * @param {Index} index
 * @param {(id: string) => void} open
 */
function memberList(group, index, open) {
  const members = group.members.map((id) => index.nodes.get(id)).filter(known);
  members.sort((a, b) => b.influence - a.influence);
  const rows = members
    .slice(0, 12)
    .map((node) =>
      el(
        'li',
        null,
        el(
          'button',
          { type: 'button', class: 'ac-link', title: neat(node.label), onclick: () => open(node.id) },
          neat(node.label),
        ),
        el('span', { class: 'ac-where' }, `L${node.layer}`),
        el('b', null, `${(node.influence * 100).toFixed(1)} %`),
      ),
    );
  const more = members.length - rows.length;
  return el(
    'section',
    null,
    el('h4', null, `Features (${members.length})`),
    el('ul', { class: 'ac-weights' }, ...rows),
    more > 0 ? el('p', { class: 'ac-hint' }, `and ${more} weaker ones`) : null,
  );
}

/**
 * @param {Drawing} graph
 * @param {DrawnGroup} group
 */
function testSection(graph, group) {
  if (!known(group.measured) && !known(group.predicted)) return null;
  const note =
    known(group.measured) && group.controls
      ? `Switched off, it changes ${leadOf(graph)} by ${signed(group.measured)}; ${
          group.controls.n
        } random groups of its size by at most ${signed(group.controls.max_abs).slice(
          1,
        )} (p = ${group.p ?? '–'}).`
      : `Expected to change ${leadOf(graph)} by ${signed(group.predicted)}; not tested.`;
  return el(
    'section',
    null,
    el('h4', null, 'Test: switch it off'),
    known(group.measured) ? stripPlot(group) : null,
    el('p', null, note),
  );
}

/**
 * @param {Drawing} graph
 * @param {Index} index
 * @param {DrawnGroup} group
 * @param {Actions} act
 */
export function groupPanel(graph, index, group, act) {
  const [sign, , verdict] = verdictOf(group);
  const opened = act.isOpen(group.id);
  return [
    el(
      'header',
      null,
      el('h3', null, neat(group.name)),
      el('p', null, whereIs(graph, group)),
      el('p', { class: 'ac-verdict' }, `${sign} ${verdict}`),
      ...earlierOf(graph, group.id).map((one) => el('p', null, earlierLine(graph, one))),
      el(
        'button',
        { type: 'button', class: 'ac-button', onclick: () => act.expand(group.id) },
        opened ? 'Close the box' : 'Show its features',
      ),
    ),
    act.bench(group.id),
    testSection(graph, group),
    el(
      'div',
      { class: 'ac-flows' },
      weightList(graph, index, 'Fed by', index.into(group.id), 'source', act.open),
      weightList(graph, index, 'Feeds', index.from(group.id), 'target', act.open),
    ),
    memberList(group, index, act.open),
  ];
}

/**
 * @param {Drawing} graph
 * @param {Index} index
 * @param {DrawnNode} node
 * @param {Actions} act
 */
export function nodePanel(graph, index, node, act) {
  const [title, ...rest] = nodeLines(graph, node);
  const home = index.groups.get(node.supernode ?? '');
  return [
    el(
      'header',
      null,
      el('h3', null, title[0]),
      ...rest.map(([line]) => el('p', null, line)),
      home
        ? el(
            'button',
            { type: 'button', class: 'ac-button', onclick: () => act.open(home.id) },
            `Part of ${home.id}, ${neat(home.name)}`,
          )
        : null,
    ),
    node.kind === 'feature' || node.kind === 'token' ? act.bench(node.id) : null,
    el(
      'div',
      { class: 'ac-flows' },
      weightList(graph, index, 'Fed by', index.into(node.id), 'source', act.open),
      weightList(graph, index, 'Feeds', index.from(node.id), 'target', act.open),
    ),
  ];
}

/**
 * What each group did when it was switched off, beside what random groups did: the tests at a glance.
 * @param {Drawing} graph
 * @param {Actions} act
 */
function glance(graph, act) {
  const tested = graph.supernodes.flatMap((group) =>
    known(group.measured) ? [{ group, measured: group.measured }] : [],
  );
  if (!tested.length) return null;
  const most = Math.max(
    ...tested.flatMap((one) => [Math.abs(one.measured), one.group.controls?.max_abs ?? 0]),
    1e-9,
  );
  tested.sort((a, b) => Math.abs(b.measured) - Math.abs(a.measured));
  /** @param {number} value */
  const x = (value) => 100 + (value / most) * 98;
  const rows = tested.map(({ group, measured }) => {
    const plot = sv('svg', {
      viewBox: '0 0 200 12',
      class: 'ac-mini',
      'aria-hidden': 'true',
      preserveAspectRatio: 'none',
    });
    const chance = group.controls?.max_abs ?? 0;
    sv('rect', { x: x(-chance), y: 1, width: x(chance) - x(-chance), height: 10, class: 'ac-chance' }, plot);
    sv('line', { x1: 100, x2: 100, y1: 0, y2: 12, class: 'ac-zero' }, plot);
    const [from, to] = [Math.min(100, x(measured)), Math.max(100, x(measured))];
    sv(
      'rect',
      {
        x: from,
        y: 3.5,
        width: Math.max(1, to - from),
        height: 5,
        class: measured < 0 ? 'ac-fell' : 'ac-rose',
      },
      plot,
    );
    return el(
      'li',
      null,
      el(
        'button',
        { type: 'button', class: 'ac-link', onclick: () => act.open(group.id) },
        `${group.id} ${neat(group.name)}`,
      ),
      el('b', null, signed(measured)),
      el('span', { class: 'ac-badge', title: verdictOf(group)[2] }, verdictOf(group)[0]),
      plot,
    );
  });
  return el(
    'section',
    null,
    el('h4', null, 'Each group switched off'),
    el('ul', { class: 'ac-weights ac-glance' }, ...rows),
    el(
      'p',
      { class: 'ac-hint' },
      `Bars: the change of ${leadOf(graph)}; grey: what matched random groups reach.`,
    ),
  );
}

/**
 * @param {Drawing} graph
 * @param {Index} index
 * @param {Actions} act
 */
export function startPanel(graph, index, act) {
  const { scores } = graph;
  const steps = graph.strongest_path
    .flatMap((id, i) => [
      i ? el('span', { class: 'ac-then' }, '→') : null,
      el(
        'button',
        { type: 'button', class: 'ac-chip', onclick: () => act.open(id) },
        called(graph, index, id),
      ),
    ])
    .filter(known);
  const facts = `${graph.supernodes.length} groups of ${scores.nodes} nodes and ${scores.edges.toLocaleString(
    'en',
  )} edges. ${percent(scores.completeness)} of what flows into them is accounted for; ${percent(
    1 - scores.completeness,
  )} comes from parts that were not chosen.`;
  return [
    steps.length
      ? el('header', null, el('h3', null, 'Strongest path'), el('div', { class: 'ac-path' }, ...steps))
      : null,
    glance(graph, act),
    el('p', { class: 'ac-hint' }, facts),
    el(
      'p',
      { class: 'ac-hint' },
      'Hover for numbers. Click to pin something and ask about it. Double-click opens a group.',
    ),
  ];
}
