// Where tokens, boxes and dots stand. Touches no page and no colour.
import { clamp, FONT, widthOf, wrap } from './measure.js';
import { neat, visible } from './words.js';
/** @import { Area, Box, Column, Columns, DrawnEdge, DrawnGroup, DrawnNode, Drawing, PlacedBox, Row, Wish } from './types.js' */

export const ROW = 15;
export const ROWS_SHOWN = 8;
const GAP = { x: 18, y: 36 };

/**
 * Token columns from left to right; a long run of tokens nothing hangs on is folded into one.
 * @param {string[]} tokens
 * @param {Map<number, number>} weights how much hangs on each position
 * @param {number} left
 * @param {number} right
 * @param {number} widest
 * @returns {Columns}
 */
function columns(tokens, weights, left, right, widest = 104) {
  /** @type {Column[]} */
  const kept = [];
  const last = tokens.length - 1;
  for (let at = 0; at <= last; at += 1) {
    const quiet = tokens.length > 18 && !weights.has(at) && at > 0 && at < last;
    const before = kept[kept.length - 1];
    if (quiet && before?.folded) before.to = at;
    else kept.push({ from: at, to: at, folded: quiet, label: '', weight: 0, x: 0, width: 0, middle: 0 });
  }
  for (const column of kept) {
    const many = column.to - column.from + 1;
    column.label = column.folded && many > 1 ? `⋯ ${many}` : visible(tokens[column.from]);
    column.weight = weights.get(column.from) ?? 0.12;
  }
  const room = right - left;
  /** @param {Column} column */
  const wish = (column) => clamp(widthOf(column.label, FONT.small) + 16, 28, widest);
  const flat = kept.reduce((sum, column) => sum + wish(column), 0);
  const upright = flat <= room;
  /** @param {Column} column */
  const base = (column) => (upright ? wish(column) : Math.min(23, room / kept.length));
  const spare = room - kept.reduce((sum, column) => sum + base(column), 0);
  const total = kept.reduce((sum, column) => sum + column.weight, 0);
  let x = left;
  for (const column of kept) {
    column.x = x;
    column.width = base(column) + (spare * column.weight) / total;
    column.middle = x + column.width / 2;
    x += column.width;
  }
  /** @param {number} position */
  const at = (position) => kept.find((c) => c.from <= position && position <= c.to) ?? kept[0];
  return { list: kept, at, upright };
}

/**
 * @param {DrawnGroup} group
 * @param {boolean} opened
 * @param {number} wide
 */
function boxSize(group, opened, wide) {
  if (opened) {
    const rows = Math.min(ROWS_SHOWN, group.members.length);
    const rest = group.members.length > rows ? ROW : 0;
    return { width: clamp(wide * 0.42, 170, 236), height: 50 + rows * ROW + rest, lines: undefined };
  }
  const width = clamp(wide * 0.25, 116, 166);
  const lines = wrap(neat(group.name), width - 34, FONT.name, 3);
  return { width, height: 28 + lines.length * 15, lines };
}

/**
 * Which row each box goes in: above what feeds it, else by its layers; undefined if a row is full.
 * @param {Wish[]} wishes
 * @param {DrawnEdge[]} feeds
 * @param {number} rows
 * @param {number} across
 * @returns {number[] | undefined}
 */
function rowsOf(wishes, feeds, rows, across) {
  const place = new Map(wishes.map((wish, i) => [wish.id, i]));
  const below = wishes.map(() => /** @type {number[]} */ ([]));
  const above = wishes.map(() => 0);
  for (const { source, target } of feeds) {
    const [from, to] = [place.get(source), place.get(target)];
    if (from !== undefined && to !== undefined && from < to) below[to].push(from);
  }
  for (let i = wishes.length - 1; i >= 0; i -= 1) {
    for (const j of below[i]) above[j] = Math.max(above[j], above[i] + 1);
  }
  const low = wishes[0].middle;
  const high = wishes[wishes.length - 1].middle;
  const taken = new Array(rows).fill(0);
  /** @type {number[]} */
  const row = [];
  for (let i = 0; i < wishes.length; i += 1) {
    const first = Math.max(0, ...below[i].map((j) => row[j] + 1));
    const last = rows - 1 - above[i];
    const wish = Math.round(((wishes[i].middle - low) / (high - low || 1)) * (rows - 1));
    const free = [...Array(rows).keys()].filter((r) => first <= r && r <= last && taken[r] < across);
    if (!free.length) return undefined;
    free.sort((p, q) => Math.abs(p - wish) - Math.abs(q - wish));
    row.push(free[0]);
    taken[free[0]] += 1;
  }
  return row;
}

/**
 * Boxes of one row as near to their columns as they can be without touching (isotonic regression).
 * @param {PlacedBox[]} boxes
 * @param {number} left
 * @param {number} right
 */
function spread(boxes, left, right) {
  boxes.sort((a, b) => a.wishX - b.wishX || a.middle - b.middle);
  let before = 0;
  /** @type {{ sum: number, count: number }[]} */
  const blocks = [];
  for (const box of boxes) {
    let block = { sum: box.wishX - before, count: 1 };
    box.before = before;
    before += box.width + GAP.x;
    for (
      let last = blocks.at(-1);
      last && last.sum / last.count > block.sum / block.count;
      last = blocks.at(-1)
    ) {
      block = { sum: last.sum + block.sum, count: last.count + block.count };
      blocks.pop();
    }
    blocks.push(block);
  }
  const most = right - (before - GAP.x);
  const starts = blocks.flatMap(({ sum, count }) => new Array(count).fill(sum / count));
  boxes.forEach((box, i) => {
    box.x = clamp(starts[i], left, Math.max(left, most)) + box.before;
  });
}

/**
 * The boxes in rows from the bottom up; the rows share the height there is, or ask for more.
 * @param {Wish[]} wishes
 * @param {DrawnEdge[]} feeds
 * @param {Area} area
 * @param {number} most
 * @returns {{ boxes: Map<string, PlacedBox>, rows: Row[], height: number }}
 */
function placeBoxes(wishes, feeds, area, most) {
  if (!wishes.length) return { boxes: new Map(), rows: [], height: 0 };
  const usual = Math.min(...wishes.map((wish) => wish.width));
  const across = Math.max(1, Math.floor((area.right - area.left + GAP.x) / (usual + GAP.x)));
  const room = area.bottom - area.top;
  let many = clamp(most, 1, wishes.length);
  let found = rowsOf(wishes, feeds, many, across);
  while (!found) {
    many += 1;
    found = rowsOf(wishes, feeds, many, across);
  }
  const row = found;
  const used = [...new Set(row)].sort((a, b) => a - b);
  const placed = wishes.map((wish, i) => ({ ...wish, x: 0, y: 0, before: 0, row: used.indexOf(row[i]) }));
  const rows = used.map((_, i) => {
    const boxes = placed.filter((box) => box.row === i);
    return { boxes, height: Math.max(...boxes.map((box) => box.height)), low: 0, high: 0, layer: 0 };
  });
  const filled = rows.reduce((sum, each) => sum + each.height, 0);
  const gap = Math.max(GAP.y, (room - filled) / rows.length);
  let floor = area.bottom - gap / 2;
  for (const each of rows) {
    spread(each.boxes, area.left, area.right);
    for (const box of each.boxes) box.y = floor - (each.height + box.height) / 2;
    each.low = floor;
    each.high = floor - each.height;
    each.layer = each.boxes.reduce((sum, box) => sum + box.middle, 0) / each.boxes.length;
    floor = each.high - gap;
  }
  const boxes = new Map(placed.map((box) => [box.id, box]));
  return { boxes, rows, height: filled + gap * rows.length };
}

/**
 * Where a layer is, going by the boxes: in order, but not to scale.
 * @param {Row[]} rows
 * @param {Area} area
 * @param {number} layers
 * @returns {(layer: number) => number}
 */
function layerScale(rows, area, layers) {
  const points = [
    [0, area.bottom],
    ...rows.map(({ layer, low, high }) => [layer, (low + high) / 2]),
    [layers, area.top],
  ].filter(([layer], i, all) => all.slice(0, i).every((b) => b[0] < layer));
  return (layer) => {
    const next = Math.max(
      1,
      points.findIndex((point) => point[0] >= layer),
    );
    const [from, to] = [points[next - 1], points[next] ?? points[next - 1]];
    const share = (layer - from[0]) / (to[0] - from[0] || 1);
    return from[1] + (to[1] - from[1]) * share;
  };
}

/**
 * The default picture: groups as boxes, token boxes below, the answer above.
 * @param {Drawing} graph
 * @param {number} width
 * @param {number} height
 * @param {Set<string>} opened
 * @param {DrawnEdge[]} feeds
 */
export function groupLayout(graph, width, height, opened, feeds) {
  const left = 30;
  const right = width - 12;
  /** @type {Map<number, number>} */
  const weights = new Map();
  /** @type {(at: number, much: number) => void} */
  const add = (at, much) => weights.set(at, (weights.get(at) ?? 0) + much);
  for (const group of graph.supernodes) add(group.position, opened.has(group.id) ? 2 : 1);
  for (const edge of graph.superedges) {
    for (const end of [edge.source, edge.target]) {
      if (/^T\d+$/.test(end)) add(Number(end.slice(1)), 0.1);
    }
  }
  const cols = columns(graph.tokens, weights, left, right);
  const tokenHeight = cols.upright ? 26 : 66;
  const wishes = graph.supernodes.map((group) => {
    const size = boxSize(group, opened.has(group.id), right - left);
    const middle = (group.layers[0] + group.layers[1]) / 2;
    return { id: group.id, middle, wishX: cols.at(group.position).middle - size.width / 2, ...size };
  });
  wishes.sort((a, b) => a.middle - b.middle || (a.id < b.id ? -1 : 1));
  const area = { left, right, top: 70, bottom: height - tokenHeight - 10 };
  const room = area.bottom - area.top;
  const most = Math.floor(room / (54 + GAP.y));
  let placed = placeBoxes(wishes, feeds, area, most);
  const tall = Math.max(height, height + placed.height - room);
  area.bottom += tall - height;
  if (tall > height) placed = placeBoxes(wishes, feeds, area, most);
  /** @type {Map<string, Box>} */
  const tokens = new Map();
  for (const column of cols.list) {
    const wide = Math.min(column.width - 4, cols.upright ? 104 : 22);
    const x = column.middle - wide / 2;
    const place = { x, y: tall - tokenHeight - 6, width: wide, height: tokenHeight, row: -1 };
    for (let at = column.from; at <= column.to; at += 1) tokens.set(`T${at}`, place);
  }
  const end = cols.at(graph.tokens.length - 1).middle;
  const wide = Math.min(190, right - left);
  const x = clamp(end - wide / 2, left, right - wide);
  const answer = { x, y: 8, width: wide, height: 40, row: placed.rows.length };
  const layerY = layerScale(placed.rows, area, graph.n_layers);
  return { ...placed, cols, tokens, answer, layerY, area, height: tall };
}

/**
 * Every node of the pruned graph as a dot: columns by token, rows by layer.
 * @param {Drawing} graph
 * @param {number} width
 * @param {number} height
 */
export function dotLayout(graph, width, height) {
  const left = 30;
  const right = width - 8;
  /** @type {Map<string, DrawnNode[]>} */
  const crowd = new Map();
  for (const node of graph.nodes) {
    const key = `${node.position}|${node.layer}`;
    crowd.set(key, [...(crowd.get(key) ?? []), node]);
  }
  /** @type {Map<number, number>} */
  const weights = new Map();
  for (const [key, nodes] of crowd) {
    const at = Number(key.split('|')[0]);
    if (nodes[0].layer < 0) continue;
    weights.set(at, Math.min(18, Math.max(weights.get(at) ?? 0, nodes.length)));
  }
  const cols = columns(graph.tokens, weights, left, right, 64);
  const tokenHeight = cols.upright ? 26 : 66;
  const bottom = height - tokenHeight - 30;
  const step = (bottom - 60) / Math.max(1, graph.n_layers - 1);
  /** @param {number} layer */
  const layerY = (layer) => bottom - layer * step;
  const widest = clamp(step * 0.42 - 2.6, 1, 3.6);
  const features = graph.nodes.filter((node) => node.kind === 'feature');
  const most = Math.max(1e-9, ...features.map((node) => node.influence));
  /** @type {Map<string, { x: number, y: number, r: number }>} */
  const spots = new Map();
  for (const nodes of crowd.values()) {
    const column = cols.at(nodes[0].position);
    const across = Math.max(1, Math.floor((column.width - 6) / 11));
    const rows = Math.ceil(nodes.length / across);
    nodes.forEach((node, i) => {
      const row = Math.floor(i / across);
      const inRow = row < rows - 1 ? across : nodes.length - across * (rows - 1);
      const gap = Math.min(11, (column.width - 6) / inRow);
      const x = column.middle + ((i % across) - (inRow - 1) / 2) * gap;
      const lift = rows > 1 ? (row - (rows - 1) / 2) * Math.min(9, (step * 0.8) / rows) : 0;
      let y = layerY(node.layer) + lift;
      if (node.layer < 0) y = height - tokenHeight - 14;
      if (node.kind === 'logit') y = 26;
      const r = 2.6 + widest * Math.sqrt(clamp(node.influence / most, 0, 1));
      spots.set(node.id, { x, y, r });
    });
  }
  return { cols, spots, layerY, tokenHeight, height };
}
