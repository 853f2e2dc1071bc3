// What is said about a group, a node or an edge: names, figures, the lines of a tooltip.
import { known } from './elements.js';
/** @import { Concept, Drawing, DrawnEdge, DrawnGroup, DrawnNode, EarlierTest, Hop, Index, Said } from './types.js' */

/** @type {Record<string, [sign: string, word: string, sentence: string]>} */
export const VERDICTS = {
  supported: ['✓', 'supported', 'held up when tested'],
  partly: ['~', 'partly', 'partly held up when tested'],
  refuted: ['×', 'refuted', 'did not hold up when tested'],
  inconclusive: ['≈', 'unclear', 'no clearer than random groups'],
  untested: ['?', 'untested', 'not tested: read off the graph only'],
};
/** @type {Record<string, string>} */
const KINDS = { input: 'input', middle: 'in between', say: 'say' };
const HIDDEN =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]/gu;

/**
 * A token as words on the screen: what cannot be seen, or would turn the line round, gets a sign.
 * @param {string} token
 */
export function visible(token) {
  /** @type {Record<string, string>} */
  const signs = { '\n': '⏎', '\t': '⇥' };
  const text = String(token).replace(HIDDEN, (c) => signs[c] ?? `‹${c.codePointAt(0)?.toString(16)}›`);
  return text.trim() || '␣'.repeat(text.length);
}

/**
 * A name without the blanks that most tokens begin with: in a quote they only cost room.
 * @param {string} name
 */
export const neat = (name) => name.replace(/“[ \u00a0]+(?=[^”\s])/g, '“');

/** @param {number} share */
export const percent = (share) => `${Math.round(share * 100)}\u00a0%`.replace('-', '−');

/** @param {{ verdict?: string | null }} group */
export const verdictOf = (group) => VERDICTS[group.verdict ?? 'untested'] ?? VERDICTS.untested;

/** @param {[number, number]} layers */
export const layersOf = ([low, high]) => (low === high ? `L${low}` : `L${low}–${high}`);

/** @param {number | null | undefined} value */
export function signed(value) {
  if (!known(value)) return '–';
  const size = Math.abs(value);
  const text = size >= 100 ? size.toFixed(0) : size >= 0.1 || !size ? size.toFixed(2) : size.toPrecision(2);
  return `${value < 0 ? '−' : '+'}${text}`;
}

/** @param {Drawing} graph */
export function leadOf(graph) {
  const { answer, foil } = graph.target;
  return foil ? `${visible(answer)} − ${visible(foil)}` : visible(answer);
}

/**
 * @param {Drawing} graph
 * @param {Index} index
 * @param {string} id
 */
export function nameOf(graph, index, id) {
  if (id === 'LD') return leadOf(graph);
  if (/^T\d+$/.test(id)) return visible(graph.tokens[Number(id.slice(1))] ?? id);
  const concept = index.concepts.get(id);
  if (concept) return visible(concept.name);
  return neat(index.groups.get(id)?.name ?? index.nodes.get(id)?.label ?? id);
}

/**
 * A group with the id by which the answer speaks of it; anything else by its name.
 * @param {Drawing} graph
 * @param {Index} index
 * @param {string} id
 */
export function called(graph, index, id) {
  const name = nameOf(graph, index, id);
  return index.groups.has(id) ? `${id} ${name}` : name;
}

/**
 * @param {Drawing} graph
 * @param {DrawnGroup} group
 */
export function whereIs(graph, group) {
  const at = visible(graph.tokens[group.position]);
  return `${group.id} · ${KINDS[group.kind] ?? group.kind} · at “${at}” · ${layersOf(group.layers)} · ${
    group.members.length
  } features`;
}

/**
 * The tests of mostly the same features that were made before, the comparison that was asked last first.
 * @param {Drawing} graph
 * @param {string} id
 */
export const earlierOf = (graph, id) => (graph.earlier ?? []).filter((one) => one.id === id);

/**
 * One of them: what it found, and beside what.
 * @param {Drawing} graph
 * @param {EarlierTest} one
 */
export function earlierLine(graph, one) {
  const lead = `${visible(one.answer)} − ${visible(one.foil)}`;
  const beside = lead === leadOf(graph) ? 'before' : `for another comparison, ${lead}`;
  const same = one.shared < 1 ? `${percent(one.shared)} of the features the same` : 'the same features';
  const found = `${verdictOf(one)[0]} ${verdictOf(one)[2]} ${beside}`;
  return `${found}: without ${one.was} (${same}) it changed by ${signed(one.measured)}`;
}

/**
 * @param {Drawing} graph
 * @param {DrawnGroup} group
 * @returns {Said[]}
 */
export function groupLines(graph, group) {
  /** @type {Said[]} */
  const lines = [
    [neat(group.name), 'title'],
    [whereIs(graph, group)],
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
  for (const one of earlierOf(graph, group.id)) lines.push([earlierLine(graph, one)]);
  return lines;
}

/**
 * @param {Drawing} graph
 * @param {DrawnNode} node
 * @returns {Said[]}
 */
export function nodeLines(graph, node) {
  const layer = node.layer >= graph.n_layers ? 'output' : `layer ${node.layer}`;
  const where = node.layer < 0 ? `position ${node.position}` : layer;
  const at = visible(graph.tokens[node.position] ?? '');
  /** @type {Record<string, string>} */
  const kinds = { error: 'what was not chosen, merged', bias: 'bias', bos: 'start of the text' };
  /** @type {Said[]} */
  const lines = [
    [node.kind === 'token' ? visible(node.label) : neat(node.label), 'title'],
    [`${kinds[node.kind] ?? node.kind} · ${where}${node.layer < 0 ? '' : ` · at “${at}”`}`],
    [`influence ${(node.influence * 100).toFixed(1)} %, effect ${signed(node.effect)}`],
  ];
  if (known(node.activation)) lines.push([`activation ${signed(node.activation)}`]);
  return lines;
}

/**
 * The attention heads an edge between groups passes, where they were worked out.
 * @param {DrawnEdge} edge
 */
export function headsOf(edge) {
  const heads = (edge.heads ?? []).slice(0, 3);
  const named = heads.map(({ layer, head, share }) => `${layer}.${head} (${percent(share)})`);
  return named.length ? `through heads ${named.join(', ')}` : '';
}

/**
 * @param {Drawing} graph
 * @param {Index} index
 * @param {DrawnEdge} edge
 * @returns {Said[]}
 */
export function linkLines(graph, index, edge) {
  if (edge.hop) return hopLines(graph, index, edge.hop);
  const heads = headsOf(edge);
  /** @type {Said[]} */
  const lines = [
    [`${nameOf(graph, index, edge.source)} → ${nameOf(graph, index, edge.target)}`, 'title'],
    [`${edge.weight < 0 ? 'holds back' : 'feeds'}, weight ${signed(edge.weight)}`],
  ];
  if (heads) lines.push([heads]);
  return lines;
}

/** @type {Record<string, string>} */
const ROLES = {
  word: 'the word itself',
  'said before': 'said earlier in the text',
  concept: 'not said there in the text',
  answer: 'the answer',
};

/**
 * Sign, word and sentence of what a test of a concept or a hop found.
 * @param {{ verdict?: string | null }} tested
 * @returns {[sign: string, word: string, sentence: string]}
 */
export function conceptVerdict(tested) {
  const found = VERDICTS[tested.verdict ?? ''];
  return found ?? ['?', 'untested', 'read by the lens, not tested'];
}

/**
 * @param {Drawing} graph
 * @param {Concept} one
 */
export const whereHeld = (graph, one) =>
  `${one.id} · ${ROLES[one.role] ?? one.role} · at “${visible(graph.tokens[one.position] ?? '')}” · ${layersOf(one.layers)}`;

/**
 * @param {Drawing} graph
 * @param {Concept} one
 * @returns {Said[]}
 */
export function conceptLines(graph, one) {
  const spellings = one.tokens.map(visible).filter((text) => text !== visible(one.name));
  const [sign, , sentence] = conceptVerdict(one);
  /** @type {Said[]} */
  const lines = [[visible(one.name), 'title'], [whereHeld(graph, one)]];
  if (spellings.length) lines.push([`also read there: ${spellings.slice(0, 5).join(', ')}`]);
  lines.push([`${one.strength.toFixed(1)} standard deviations above what is read there for other texts`]);
  if (known(one.effect)) lines.push([`without it the lead changes by ${signed(one.effect)}`]);
  lines.push([`${sign} ${sentence}`]);
  if (one.swap) {
    const { other, says, p } = one.swap;
    lines.push([`exchanged for ${visible(other)}, it says ${visible(says)} (${percent(p)})`]);
  }
  return lines;
}

/**
 * The same as one line, to be read out.
 * @param {Drawing} graph
 * @param {Concept} one
 */
export const conceptLine = (graph, one) =>
  `concept ${visible(one.name)}, ${whereHeld(graph, one)}, ${conceptVerdict(one)[2]}`;

/**
 * The share, and the head that carries most of it.
 * @param {Hop} hop
 * @param {boolean} roomy
 */
export function hopLabel(hop, roomy) {
  const head = hop.heads?.[0];
  const words = known(hop.share) ? [percent(hop.share)] : [];
  if (head && (roomy || !words.length)) words.push(`head ${head.name}`);
  return words.join(' · ');
}

/**
 * @param {Drawing} graph
 * @param {Index} index
 * @param {Hop} hop
 * @returns {Said[]}
 */
export function hopLines(graph, index, hop) {
  const { answer } = graph.target;
  const [from, to] = [hop.source, hop.target].map((id) =>
    id === 'LD' ? visible(answer) : nameOf(graph, index, id),
  );
  /** @type {Said[]} */
  const lines = [[`${from} → ${to}`, 'title']];
  if (known(hop.share)) {
    const left = hop.share >= 0.995 ? 'gone' : `${percent(hop.share)} weaker`;
    const what = hop.target === 'LD' ? `the lead of “${to}”` : `“${to}”`;
    lines.push([`without “${from}”, ${what} is ${left}`]);
  }
  const heads = (hop.heads ?? []).slice(0, 3).map(({ name, share }) => `${name} (${percent(share)})`);
  if (heads.length) lines.push([`carried by ${heads.length > 1 ? 'heads' : 'head'} ${heads.join(', ')}`]);
  const [sign, , sentence] = conceptVerdict(hop);
  const step = hop.source.startsWith('T') || hop.target === 'LD';
  const untested = step ? 'the share was not measured' : 'this step was not tested by itself';
  const unmeasured = heads.length ? 'tested with another word in its place' : untested;
  lines.push([known(hop.share) || hop.verdict ? `${sign} ${sentence}` : unmeasured]);
  return lines;
}
