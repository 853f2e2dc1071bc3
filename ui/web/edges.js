// Which edges are shown and the way each takes round the boxes.
import { clamp } from './measure.js';

/** @import { Area, Box, DrawnEdge, Point, RoutedEdge, Row } from './types.js' */

/**
 * Where an upward curve is at a height: what `curve` draws is close to a smooth step.
 * @param {Point} from
 * @param {Point} to
 * @param {number} y
 */
function between(from, to, y) {
  const t = clamp((from.y - y) / (from.y - to.y || 1), 0, 1);
  return from.x + (to.x - from.x) * t * t * (3 - 2 * t);
}

/**
 * Lead each edge round the boxes of the rows it passes, by the nearest gap where one is in its way.
 * @param {RoutedEdge[]} edges
 * @param {(id: string) => Box} placeOf
 * @param {Row[]} rows
 * @param {Area} area
 */
export function route(edges, placeOf, rows, area) {
  /** @type {Map<string, number>} */
  const lanes = new Map();
  /** @param {Row} row */
  const wallsOf = (row) => row.boxes.map((box) => [box.x - 7, box.x + box.width + 7]);
  for (const edge of edges) {
    const [source, target] = [placeOf(edge.source), placeOf(edge.target)];
    const goal = { x: target.x + target.width / 2, y: target.y + target.height };
    let from = { x: source.x + source.width / 2, y: source.y };
    edge.via = [];
    edge.aside = source.row >= target.row;
    for (let r = source.row + 1; r < target.row; r += 1) {
      const { low, high } = rows[r];
      const walls = wallsOf(rows[r]);
      /** @param {number} x */
      const inside = (x) => walls.some(([a, b]) => a < x && x < b);
      const ends = [low, (low + high) / 2, high].map((y) => between(from, goal, y));
      if (!ends.some(inside)) continue;
      const doors = walls.flat().filter((x) => !inside(x) && x > area.left - 8 && x < area.right + 10);
      doors.sort((a, b) => Math.abs(a - ends[1]) - Math.abs(b - ends[1]));
      const door = doors[0] ?? ends[1];
      const lane = `${r}|${Math.round(door)}`;
      const nth = lanes.get(lane) ?? 0;
      lanes.set(lane, nth + 1);
      const away = walls.some(([a]) => a === door) ? -7 : 7;
      const x = inside(door + away * nth) ? door : door + away * nth;
      edge.via.push({ x, low: low + 5, high: high - 5 });
      from = { x, y: high - 5 };
    }
  }
}

/**
 * An edge to a box beside or below bows round the side that has room.
 * @param {DrawnEdge} edge
 * @param {(id: string) => Box} placeOf
 * @param {Area} area
 */
export function bow({ source, target }, placeOf, area) {
  const [a, b] = [placeOf(source), placeOf(target)];
  const [ya, yb] = [a.y + a.height / 2, b.y + b.height / 2 + (a.y === b.y ? 0 : 6)];
  if (a.x + a.width < b.x) return `M${a.x + a.width},${ya}L${b.x - 4},${yb}`;
  if (b.x + b.width < a.x) return `M${a.x},${ya}L${b.x + b.width + 4},${yb}`;
  const out = Math.max(a.x + a.width, b.x + b.width) + 30 < area.right + 12 ? 1 : -1;
  const [xa, xb] = out > 0 ? [a.x + a.width, b.x + b.width + 4] : [a.x, b.x - 4];
  const far = out > 0 ? Math.max(xa, xb) + 34 : Math.min(xa, xb) - 34;
  return `M${xa},${ya}C${far},${ya} ${far},${yb} ${xb},${yb}`;
}

/**
 * Where on its box each end of an edge docks: sorted by where it comes from, so that few cross.
 * @param {RoutedEdge[]} edges
 * @param {(id: string) => Box} placeOf
 */
export function ports(edges, placeOf) {
  /** @type {Map<string, { id: string, side: 'in' | 'out', docked: { edge: RoutedEdge, x: number }[] }>} */
  const ends = new Map();
  /** @param {string} id */
  const middle = (id) => placeOf(id).x + placeOf(id).width / 2;
  /** @type {(id: string, side: 'in' | 'out', edge: RoutedEdge, x: number) => void} */
  const dock = (id, side, edge, x) => {
    const key = `${side}|${id}`;
    const end = ends.get(key) ?? { id, side, docked: [] };
    end.docked.push({ edge, x });
    ends.set(key, end);
  };
  for (const edge of edges.filter((each) => !each.aside)) {
    dock(edge.source, 'out', edge, edge.via[0]?.x ?? middle(edge.target));
    dock(edge.target, 'in', edge, edge.via[edge.via.length - 1]?.x ?? middle(edge.source));
  }
  for (const { id, side, docked: list } of ends.values()) {
    const box = placeOf(id);
    list.sort((a, b) => a.x - b.x);
    const gap = Math.min(16, (box.width * 0.74) / list.length);
    list.forEach((end, i) => {
      const x = box.x + box.width / 2 + (i - (list.length - 1) / 2) * gap;
      end.edge[side] = { x, y: side === 'out' ? box.y : box.y + box.height + 5 };
    });
  }
}

/**
 * @param {Point} from
 * @param {Point} to
 */
export function curve(from, to) {
  const rise = from.y - to.y;
  const bend = rise > 8 ? Math.max(10, rise * 0.5) : 34 + Math.abs(rise) * 0.35;
  const lean = rise > 8 ? 0 : from.x < to.x ? 8 : -8;
  return `M${from.x},${from.y}C${from.x + lean},${from.y - bend} ${to.x - lean},${
    to.y + bend
  } ${to.x},${to.y}`;
}

/**
 * One edge from port to port, straight up through each gap on its way.
 * @param {RoutedEdge} edge
 */
export function trail({ out, via, in: end }) {
  let from = out;
  let d = '';
  for (const { x, low, high } of via) {
    d += `${curve(from, { x, y: low })}L${x},${high}`;
    from = { x, y: high };
  }
  d += curve(from, end);
  return `M${d.slice(1).replaceAll('M', 'L')}`; // one stroke, so that dashes and the arrow go on
}

/**
 * The edges worth showing: the path, each box's strongest, and as many more as hold `share` of all.
 * @param {DrawnEdge[]} edges
 * @param {string[]} path
 * @param {number} share
 * @returns {RoutedEdge[]}
 */
export function strongest(edges, path, share) {
  const sorted = [...edges].sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  const total = sorted.reduce((sum, edge) => sum + Math.abs(edge.weight), 0);
  const steps = new Set(path.slice(1).map((id, i) => `${path[i]}>${id}`));
  const seen = new Set();
  /** @type {Set<DrawnEdge>} */
  const keep = new Set();
  let sum = 0;
  for (const edge of sorted) {
    const ends = [`${edge.source}|out`, `${edge.target}|in`];
    const first = ends.some((end) => /^S/.test(end) && !seen.has(end));
    for (const end of ends) seen.add(end);
    if (sum < share * total || first || steps.has(`${edge.source}>${edge.target}`)) keep.add(edge);
    sum += Math.abs(edge.weight);
  }
  return [...keep].map((edge) => ({
    ...edge,
    path: steps.has(`${edge.source}>${edge.target}`),
    via: [],
    aside: false,
    out: { x: 0, y: 0 },
    in: { x: 0, y: 0 },
  }));
}
