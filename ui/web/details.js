// What is said about a group or a node: tooltip lines, the details panel, the strip plot of a test.
const NS = 'http://www.w3.org/2000/svg';
const VERDICTS = {
  supported: ['✓', 'supported', 'held up when tested'],
  partly: ['~', 'partly', 'partly held up when tested'],
  refuted: ['×', 'refuted', 'did not hold up when tested'],
  inconclusive: ['≈', 'unclear', 'no clearer than random groups'],
  untested: ['?', 'untested', 'not tested: read off the graph only'],
};
const KINDS = {
  input: ['input', 'reads the text'],
  middle: ['in between', 'neither reads the text nor says a token'],
  say: ['say', 'pushes a token to be said'],
};

// Data reaches the page by textContent and setAttribute only: a token can never become markup.
function el(tag, traits, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(traits ?? {})) {
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function sv(tag, traits, parent, text) {
  const made = document.createElementNS(NS, tag);
  for (const name in traits) made.setAttribute(name, traits[name]);
  if (text !== undefined) made.textContent = text;
  if (parent) parent.appendChild(made);
  return made;
}

const known = (value) => value !== null && value !== undefined;
const percent = (share) => `${Math.round(share * 100)}\u00a0%`.replace('-', '−');
const verdictOf = (group) => VERDICTS[group.verdict] ?? VERDICTS.untested;
const layersOf = ([low, high]) => (low === high ? `L${low}` : `L${low}–${high}`);

function signed(value) {
  if (!known(value)) return '–';
  const size = Math.abs(value);
  const text = size >= 100 ? size.toFixed(0) : size >= 0.1 || !size ? size.toFixed(2)
    : size.toPrecision(2);
  return `${value < 0 ? '−' : '+'}${text}`;
}

function leadOf(graph) {
  const { answer, foil } = graph.target;
  return foil ? `${visible(answer)} − ${visible(foil)}` : visible(answer);
}

function nameOf(graph, index, id) {
  if (id === 'LD') return leadOf(graph);
  if (/^T\d+$/.test(id)) return visible(graph.tokens[Number(id.slice(1))] ?? id);
  return neat(index.groups.get(id)?.name ?? index.nodes.get(id)?.label ?? id);
}

// A group with the id by which the answer speaks of it; anything else by its name.
function called(graph, index, id) {
  const name = nameOf(graph, index, id);
  return index.groups.has(id) ? `${id} ${name}` : name;
}

function groupLines(graph, group) {
  const lines = [
    [neat(group.name), 'title'],
    [`${group.id} · ${KINDS[group.kind]?.[0] ?? group.kind} · at “${visible(graph.tokens[group.position])}” · ${
      layersOf(group.layers)} · ${group.members.length} features`],
    [`share of the graph: ${percent(group.share)}${group.sign < 0 ? ', against the answer' : ''}`],
  ];
  if (known(group.measured)) {
    lines.push([`without it: ${signed(group.measured)} (predicted ${signed(group.predicted)})`]);
  } else if (known(group.predicted)) {
    lines.push([`predicted without it: ${signed(group.predicted)}`]);
  }
  if (group.controls) {
    const { n, max_abs: most } = group.controls;
    lines.push([`${n} random controls: at most ${signed(most).slice(1)}, p = ${group.p ?? '–'}`]);
  }
  lines.push([`${verdictOf(group)[0]} ${verdictOf(group)[2]}`]);
  return lines;
}

function nodeLines(graph, node) {
  const where = node.layer < 0 ? `position ${node.position}`
    : node.layer >= graph.n_layers ? 'output' : `layer ${node.layer}`;
  const at = visible(graph.tokens[node.position] ?? '');
  const kinds = { error: 'what was not chosen, merged', bias: 'bias', bos: 'start of the text' };
  const lines = [
    [node.kind === 'token' ? visible(node.label) : neat(node.label), 'title'],
    [`${kinds[node.kind] ?? node.kind} · ${where}${node.layer < 0 ? '' : ` · at “${at}”`}`],
    [`influence ${(node.influence * 100).toFixed(1)} %, effect ${signed(node.effect)}`],
  ];
  if (known(node.activation)) lines.push([`activation ${signed(node.activation)}`]);
  return lines;
}

// The attention heads an edge between groups passes, where they were worked out.
function headsOf(edge) {
  const heads = (edge.heads ?? []).slice(0, 3);
  const named = heads.map(({ layer, head, share }) => `${layer}.${head} (${percent(share)})`);
  return named.length ? `through heads ${named.join(', ')}` : '';
}

function linkLines(graph, index, edge) {
  const verb = edge.weight < 0 ? 'holds back' : 'feeds';
  const heads = headsOf(edge);
  return [
    [`${nameOf(graph, index, edge.source)} → ${nameOf(graph, index, edge.target)}`, 'title'],
    [`${verb}, weight ${signed(edge.weight)}`],
    ...(heads ? [[heads]] : []),
  ];
}

// The test of one group: each control a tick, the prediction a diamond, the measurement a bar.
function stripPlot(group) {
  const { controls, predicted, measured } = group;
  const values = controls?.values ?? [];
  const all = [0, ...values, predicted, measured].filter(known);
  const low = Math.min(...all);
  const high = Math.max(...all);
  const room = (high - low || 1) * 0.1;
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

function weightList(graph, index, title, edges, far, open) {
  if (!edges.length) return null;
  const most = Math.max(...edges.map((edge) => Math.abs(edge.weight)));
  const rows = edges.slice(0, 8).map((edge) => {
    const bar = el('i', { class: edge.weight < 0 ? 'ac-neg' : 'ac-pos' });
    bar.style.width = `${Math.max(3, (Math.abs(edge.weight) / most) * 44)}px`;
    const words = called(graph, index, edge[far]);
    const name = el('button', { type: 'button', class: 'ac-link', title: words, onclick: () => open(edge[far]) },
      words);
    const heads = headsOf(edge);
    return el('li', null, name, bar, el('b', null, signed(edge.weight)),
      heads ? el('small', { class: 'ac-heads' }, heads) : null);
  });
  return el('section', null, el('h4', null, title), el('ul', { class: 'ac-weights' }, ...rows));
}

function memberList(graph, group, index, open) {
  const members = group.members.map((id) => index.nodes.get(id)).filter(known);
  members.sort((a, b) => b.influence - a.influence);
  const rows = members.slice(0, 12).map((node) => el('li', null,
    el('button', { type: 'button', class: 'ac-link', title: neat(node.label), onclick: () => open(node.id) },
      neat(node.label)),
    el('span', { class: 'ac-where' }, `L${node.layer}`),
    el('b', null, `${(node.influence * 100).toFixed(1)} %`)));
  const more = members.length - rows.length;
  return el('section', null,
    el('h4', null, `Features (${members.length})`),
    el('ul', { class: 'ac-weights' }, ...rows),
    more > 0 ? el('p', { class: 'ac-hint' }, `and ${more} weaker ones`) : null);
}

function testSection(graph, group) {
  if (!known(group.measured) && !known(group.predicted)) return null;
  const note = known(group.measured) && group.controls
    ? `Switched off, it changes ${leadOf(graph)} by ${signed(group.measured)}; ${
      group.controls.n} random groups of its size by at most ${
      signed(group.controls.max_abs).slice(1)} (p = ${group.p ?? '–'}).`
    : `Expected to change ${leadOf(graph)} by ${signed(group.predicted)}; not tested.`;
  return el('section', null,
    el('h4', null, 'Test: switch it off'),
    known(group.measured) ? stripPlot(group) : null,
    el('p', null, note));
}

function groupPanel(graph, index, group, act) {
  const [sign, , verdict] = verdictOf(group);
  const opened = act.isOpen(group.id);
  return [
    el('header', null,
      el('h3', null, neat(group.name)),
      el('p', null, groupLines(graph, group)[1][0]),
      el('p', { class: 'ac-verdict' }, `${sign} ${verdict}`),
      el('button', { type: 'button', class: 'ac-button', onclick: () => act.expand(group.id) },
        opened ? 'Close the box' : 'Show its features')),
    act.bench(group.id),
    testSection(graph, group),
    el('div', { class: 'ac-flows' },
      weightList(graph, index, 'Fed by', index.into(group.id), 'source', act.open),
      weightList(graph, index, 'Feeds', index.from(group.id), 'target', act.open)),
    memberList(graph, group, index, act.open),
  ];
}

function nodePanel(graph, index, node, act) {
  const [title, ...rest] = nodeLines(graph, node);
  const home = node.supernode ? index.groups.get(node.supernode) : null;
  return [
    el('header', null,
      el('h3', null, title[0]),
      ...rest.map(([line]) => el('p', null, line)),
      home ? el('button', { type: 'button', class: 'ac-button', onclick: () => act.open(home.id) },
        `Part of ${home.id}, ${neat(home.name)}`) : null),
    node.kind === 'feature' || node.kind === 'token' ? act.bench(node.id) : null,
    el('div', { class: 'ac-flows' },
      weightList(graph, index, 'Fed by', index.into(node.id), 'source', act.open),
      weightList(graph, index, 'Feeds', index.from(node.id), 'target', act.open)),
  ];
}

// What each group did when it was switched off, beside what random groups did: the tests at a glance.
function glance(graph, index, act) {
  const tested = graph.supernodes.filter((group) => known(group.measured));
  if (!tested.length) return null;
  const reach = (group) => Math.max(Math.abs(group.measured), group.controls?.max_abs ?? 0);
  const most = Math.max(...tested.map(reach), 1e-9);
  tested.sort((a, b) => Math.abs(b.measured) - Math.abs(a.measured));
  const rows = tested.map((group) => {
    const x = (value) => 100 + (value / most) * 98;
    const plot = sv('svg', { viewBox: '0 0 200 12', class: 'ac-mini', 'aria-hidden': 'true',
      preserveAspectRatio: 'none' });
    const chance = group.controls?.max_abs ?? 0;
    sv('rect', { x: x(-chance), y: 1, width: x(chance) - x(-chance), height: 10, class: 'ac-chance' }, plot);
    sv('line', { x1: 100, x2: 100, y1: 0, y2: 12, class: 'ac-zero' }, plot);
    const [from, to] = [Math.min(100, x(group.measured)), Math.max(100, x(group.measured))];
    sv('rect', { x: from, y: 3.5, width: Math.max(1, to - from), height: 5,
      class: group.measured < 0 ? 'ac-fell' : 'ac-rose' }, plot);
    return el('li', null, el('button', { type: 'button', class: 'ac-link', onclick: () => act.open(group.id) },
      `${group.id} ${neat(group.name)}`), el('b', null, signed(group.measured)),
    el('span', { class: 'ac-badge', title: verdictOf(group)[2] }, verdictOf(group)[0]), plot);
  });
  return el('section', null, el('h4', null, 'Each group switched off'),
    el('ul', { class: 'ac-weights ac-glance' }, ...rows),
    el('p', { class: 'ac-hint' }, `Bars: the change of ${leadOf(graph)}; grey: what matched random groups reach.`));
}

function startPanel(graph, index, act) {
  const { scores } = graph;
  const steps = graph.strongest_path.flatMap((id, i) => [
    i ? el('span', { class: 'ac-then' }, '→') : null,
    el('button', { type: 'button', class: 'ac-chip', onclick: () => act.open(id) },
      called(graph, index, id)),
  ]).filter(known);
  const facts = `${graph.supernodes.length} groups of ${scores.nodes} nodes and ${
    scores.edges.toLocaleString('en')} edges. ${percent(scores.completeness)} of what flows into them is accounted for; ${
    percent(1 - scores.completeness)} comes from parts that were not chosen.`;
  return [
    steps.length ? el('header', null, el('h3', null, 'Strongest path'),
      el('div', { class: 'ac-path' }, ...steps)) : null,
    glance(graph, index, act),
    el('p', { class: 'ac-hint' }, facts),
    el('p', { class: 'ac-hint' },
      'Hover for numbers. Click to pin something and ask about it. Double-click opens a group.'),
  ];
}

// The key to shapes, lines and badges.
function legend() {
  const item = (path, kind, words, box) => {
    const sign = sv('svg', { viewBox: box ?? '-1 -1 13 13', class: `ac-sign ${kind}` });
    sv('path', { d: path }, sign);
    return el('span', null, sign, words);
  };
  const badge = ([sign, words]) => el('span', { class: 'of-groups' }, el('b', { class: 'ac-badge' }, sign), words);
  const only = (made, view) => {
    made.classList.add(`of-${view}`);
    return made;
  };
  const mark = (shape, kind, words) => only(item(DOTS[shape](5), kind, words, '-7 -7 14 14'), 'features');
  return el('div', { class: 'ac-legend' },
    only(item(SIGNS.input, 'k-input', 'reads text'), 'groups'),
    only(item(SIGNS.middle, 'k-middle', 'in between'), 'groups'),
    only(item(SIGNS.say, 'k-say', 'says a token'), 'groups'),
    mark('input', 'd-input', 'reads text'), mark('other', 'd-middle', 'in between'),
    mark('say', 'd-say', 'says a token'), mark('say', 'd-say against', 'hollow: against the answer'),
    mark('error', 'd-error', 'not chosen, merged'), mark('other', 'd-bos', 'start of the text'),
    item('M0,5H26', 'e-pos', 'feeds', '0 0 26 10'), item('M0,5H26', 'e-neg', 'holds back', '0 0 26 10'),
    only(item('M0,5H26', 'e-path', 'strongest path', '0 0 26 10'), 'groups'),
    ...Object.values(VERDICTS).map(badge));
}

// What a circuit will look like, for a page that has none yet.
function sketch() {
  const made = sv('svg', { viewBox: '0 0 320 190', class: 'ac-sketch', 'aria-hidden': 'true' });
  const box = (x, y, w, words, shape) => {
    const part = sv('g', { transform: `translate(${x},${y})` }, made);
    sv('path', { d: shape(w, 30) }, part);
    sv('text', { x: w / 2, y: 20, 'text-anchor': 'middle' }, part, words);
  };
  const line = (x, y, toX, toY) => sv('path',
    { d: curve({ x, y }, { x: toX, y: toY }), class: 'ac-line' }, made);
  line(58, 160, 58, 138);
  line(156, 160, 156, 138);
  line(58, 108, 238, 84);
  line(156, 108, 252, 84);
  line(250, 47, 250, 34);
  for (const [x, words] of [[10, 'a word'], [108, 'another'], [202, '…']]) {
    box(x, 160, x < 200 ? 90 : 96, words, SHAPES.middle);
  }
  box(10, 108, 90, 'its meaning', SHAPES.input);
  box(108, 108, 90, 'its role', SHAPES.input);
  box(186, 54, 128, 'what to say', SHAPES.say);
  box(186, 4, 128, 'the answer', SHAPES.middle);
  return made;
}
