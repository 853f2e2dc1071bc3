// The chain of concepts as boxes and edges that layout.js can place. Touches no page.
/** @import { Changed, Circuit, Concept, DrawnEdge, DrawnGroup, Drawing, Hop } from './types.js' */

const FAINT = 0.25; // the weight of an edge that was not tested
const AROUND = 9; // concepts that are shown, with those off the path
const READ = 5; // where none is on a path

/** @param {Drawing} graph */
export const hasChain = (graph) => Boolean(graph.concepts?.length);

/**
 * Those on the path, in its order, and the strongest of the others.
 * @param {Drawing} graph
 */
export function shownConcepts(graph) {
  const all = graph.concepts ?? [];
  const way = (graph.path ?? []).flatMap((id) => all.find((one) => one.id === id) ?? []);
  const others = all.filter((one) => !way.includes(one));
  const linked = new Set((graph.hops ?? []).flatMap((hop) => [hop.source, hop.target]));
  /** @param {Concept} one */
  const counts = (one) => (linked.has(one.id) ? 2 : 0) + (one.verdict ? 1 : 0);
  others.sort((a, b) => counts(b) - counts(a) || b.strength - a.strength);
  return { way, others: others.slice(0, way.length ? Math.max(0, AROUND - way.length) : READ) };
}

/**
 * From the word through the concepts to the answer; a step nobody tested is a step all the same. Where no
 * concept is on the way, from the word that heads take to the answer.
 * @param {Drawing} graph
 */
export function wayOf(graph) {
  const { way } = shownConcepts(graph);
  if (way.length) return [`T${way[0].position}`, ...way.map((one) => one.id), 'LD'];
  const taken = (graph.hops ?? []).find(
    (hop) => hop.target === 'LD' && /^T\d+$/.test(hop.source) && hop.heads?.length,
  );
  return taken ? [taken.source, 'LD'] : [];
}

/**
 * The hops between what is shown, tested or only on the path; and each other concept from its word.
 * @param {Drawing} graph
 * @returns {(DrawnEdge & { hop: Hop })[]}
 */
export function hopsOf(graph) {
  const { way, others } = shownConcepts(graph);
  const there = new Set([...way, ...others].map((one) => one.id));
  /** @param {string} id */
  const shown = (id) => there.has(id) || id === 'LD' || /^T\d+$/.test(id);
  const tested = (graph.hops ?? []).filter((hop) => shown(hop.source) && shown(hop.target));
  const known = new Set(tested.map((hop) => `${hop.source}>${hop.target}`));
  const steps = wayOf(graph);
  const untested = steps.slice(1).map((id, i) => ({ source: steps[i], target: id }));
  const fed = new Set([...tested, ...untested].map((hop) => hop.target));
  const loose = others
    .filter((one) => !fed.has(one.id))
    .map((one) => ({ source: `T${one.position}`, target: one.id }));
  const rest = [...untested, ...loose].filter((hop) => !known.has(`${hop.source}>${hop.target}`));
  return [...tested, ...rest].map((hop) => {
    const share = /** @type {Hop} */ (hop).share ?? FAINT;
    return { source: hop.source, target: hop.target, weight: Math.min(1, Math.abs(share)), hop };
  });
}

/** @type {Record<string, string>} */
const KINDS = { word: 'input', 'said before': 'input', concept: 'middle', answer: 'say' };

/** @param {Concept} concept */
export const kindOf = (concept) => KINDS[concept.role] ?? 'middle';

/**
 * The drawing with its concepts in the place of the groups, for the same layout.
 * @param {Drawing} graph
 * @returns {Drawing}
 */
export function asBoxes(graph) {
  const { way, others } = shownConcepts(graph);
  const boxes = [...way, ...others].map((one) => {
    const { id, name, position, layers, verdict } = one;
    /** @type {DrawnGroup} */
    const box = { id, name, kind: kindOf(one), position, layers, members: [], share: 0, sign: 1, verdict };
    return box;
  });
  return { ...graph, supernodes: boxes, superedges: hopsOf(graph), strongest_path: wayOf(graph) };
}

/**
 * What was changed last: by hand on what is pinned, else by the question that was answered.
 * @param {Circuit} c
 * @returns {Changed | null}
 */
export function changeOf(c) {
  const { tried } = c.props;
  if (tried && !tried.why && tried.factor !== 1 && tried.id === c.pinned) {
    const kind = tried.factor === 0 ? 'taken out' : `× ${tried.factor}`;
    return { kind, about: [tried.id], tokens: tried.tokens };
  }
  return c.graph?.changed ?? null;
}

/**
 * The token that is likeliest after a change, and whether it is another than before.
 * @param {Changed} change
 */
export function nowSays(change) {
  const most = (/** @type {'before' | 'after'} */ when) =>
    change.tokens.reduce(
      (best, one) => ((one[when] ?? 0) > (best[when] ?? 0) ? one : best),
      change.tokens[0],
    );
  const now = most('after');
  return { now, other: now.token !== most('before').token };
}
