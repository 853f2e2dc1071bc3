// Geometry and wording of the drawing: columns, boxes, ports, curves. Touches no page and no colour.
const FONT = { name: '600 12px system-ui, sans-serif', small: '10.5px system-ui, sans-serif' };
const GAP = { x: 18, y: 36 };
const ROW = 15;
const ROWS_SHOWN = 8;
const HIDDEN =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]/gu;

const pen = document.createElement('canvas').getContext('2d');
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const widthOf = (text, font) => {
  pen.font = font;
  return pen.measureText(text).width;
};

// A token as words on the screen: what cannot be seen, or would turn the line round, gets a sign.
function visible(token) {
  const signs = { '\n': '⏎', '\t': '⇥' };
  const code = (c) => signs[c] ?? `‹${c.codePointAt(0).toString(16)}›`;
  const text = String(token).replace(HIDDEN, code);
  return text.trim() || '␣';
}

// A name without the blanks that most tokens begin with: in a quote they only cost room.
const neat = (name) => name.replace(/“[ \u00a0]+(?=[^”\s])/g, '“');

function fit(text, width, font) {
  if (widthOf(text, font) <= width) return text;
  const signs = [...text];
  let low = 0;
  let high = signs.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (widthOf(signs.slice(0, middle).join('') + '…', font) <= width) low = middle;
    else high = middle - 1;
  }
  return signs.slice(0, low).join('').trimEnd() + '…';
}

function wrap(text, width, font, most) {
  const lines = [];
  let line = '';
  for (const word of text.replace(/“ /g, '“\u00a0').split(/[ \n\t]+/)) {
    const longer = line ? `${line} ${word}` : word;
    if (line && widthOf(longer, font) > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  lines.push(line);
  if (lines.length > most) lines.splice(most - 1, lines.length, lines.slice(most - 1).join(' '));
  return lines.map((each) => fit(each, width, font));
}

// Token columns from left to right; a long run of tokens nothing hangs on is folded into one.
function columns(tokens, weights, left, right, widest = 104) {
  const kept = [];
  const last = tokens.length - 1;
  for (let at = 0; at <= last; at += 1) {
    const quiet = tokens.length > 18 && !weights.has(at) && at > 0 && at < last;
    const before = kept[kept.length - 1];
    if (quiet && before?.folded) before.to = at;
    else kept.push({ from: at, to: at, folded: quiet });
  }
  for (const column of kept) {
    const many = column.to - column.from + 1;
    column.label = column.folded && many > 1 ? `⋯ ${many}` : visible(tokens[column.from]);
    column.weight = weights.get(column.from) ?? 0.12;
  }
  const room = right - left;
  const wish = (column) => clamp(widthOf(column.label, FONT.small) + 16, 28, widest);
  const flat = kept.reduce((sum, column) => sum + wish(column), 0);
  const upright = flat <= room;
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
  const at = (position) => kept.find((c) => c.from <= position && position <= c.to) ?? kept[0];
  return { list: kept, at, upright };
}

function boxSize(group, opened, wide) {
  if (opened) {
    const rows = Math.min(ROWS_SHOWN, group.members.length);
    const rest = group.members.length > rows ? ROW : 0;
    return { width: clamp(wide * 0.42, 170, 236), height: 50 + rows * ROW + rest };
  }
  const width = clamp(wide * 0.25, 116, 166);
  const lines = wrap(neat(group.name), width - 34, FONT.name, 3);
  return { width, height: 28 + lines.length * 15, lines };
}

// Which row each box goes in: above what feeds it, else by its layers; undefined if a row is full.
function rowsOf(wishes, feeds, rows, across) {
  const place = new Map(wishes.map((wish, i) => [wish.id, i]));
  const below = wishes.map(() => []);
  const above = wishes.map(() => 0);
  for (const { source, target } of feeds) {
    if (place.get(source) < place.get(target)) below[place.get(target)].push(place.get(source));
  }
  for (let i = wishes.length - 1; i >= 0; i -= 1) {
    for (const j of below[i]) above[j] = Math.max(above[j], above[i] + 1);
  }
  const low = wishes[0].middle;
  const high = wishes[wishes.length - 1].middle;
  const taken = new Array(rows).fill(0);
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

// Boxes of one row as near to their columns as they can be without touching (isotonic regression).
function spread(boxes, left, right) {
  boxes.sort((a, b) => a.wishX - b.wishX || a.middle - b.middle);
  let before = 0;
  const blocks = [];
  for (const box of boxes) {
    let block = { sum: box.wishX - before, count: 1 };
    box.before = before;
    before += box.width + GAP.x;
    while (blocks.length && blocks[blocks.length - 1].sum / blocks[blocks.length - 1].count
      > block.sum / block.count) {
      const last = blocks.pop();
      block = { sum: last.sum + block.sum, count: last.count + block.count };
    }
    blocks.push(block);
  }
  const most = right - (before - GAP.x);
  const starts = blocks.flatMap(({ sum, count }) => new Array(count).fill(sum / count));
  boxes.forEach((box, i) => { box.x = clamp(starts[i], left, Math.max(left, most)) + box.before; });
}

// The boxes in rows from the bottom up; the rows share the height there is, or ask for more.
function placeBoxes(wishes, feeds, area, most) {
  if (!wishes.length) return { boxes: new Map(), rows: [], height: 0 };
  const usual = Math.min(...wishes.map((wish) => wish.width));
  const across = Math.max(1, Math.floor((area.right - area.left + GAP.x) / (usual + GAP.x)));
  const room = area.bottom - area.top;
  let many = clamp(most, 1, wishes.length);
  let row = rowsOf(wishes, feeds, many, across);
  while (!row) row = rowsOf(wishes, feeds, (many += 1), across);
  const used = [...new Set(row)].sort((a, b) => a - b);
  const rows = used.map((r) => ({ boxes: wishes.filter((_, i) => row[i] === r) }));
  for (const each of rows) each.height = Math.max(...each.boxes.map((box) => box.height));
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
  const boxes = new Map(rows.flatMap((each, i) => each.boxes.map((b) => [b.id, { ...b, row: i }])));
  return { boxes, rows, height: filled + gap * rows.length };
}

// Where a layer is, going by the boxes: in order, but not to scale.
function layerScale(rows, area, layers) {
  const known_ = [[0, area.bottom], ...rows.map(({ layer, low, high }) => [layer, (low + high) / 2]),
    [layers, area.top]].filter(([layer], i, all) => all.slice(0, i).every((b) => b[0] < layer));
  return (layer) => {
    const next = Math.max(1, known_.findIndex((point) => point[0] >= layer));
    const [from, to] = [known_[next - 1], known_[next] ?? known_[next - 1]];
    const share = (layer - from[0]) / (to[0] - from[0] || 1);
    return from[1] + (to[1] - from[1]) * share;
  };
}

// The default picture: groups as boxes, token boxes below, the answer above.
function groupLayout(graph, width, height, opened, feeds) {
  const left = 30;
  const right = width - 12;
  const weights = new Map();
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

// Every node of the pruned graph as a dot: columns by token, rows by layer.
function dotLayout(graph, width, height) {
  const left = 30;
  const right = width - 8;
  const crowd = new Map();
  for (const node of graph.nodes) {
    const key = `${node.position}|${node.layer}`;
    crowd.set(key, [...(crowd.get(key) ?? []), node]);
  }
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
  const layerY = (layer) => bottom - layer * step;
  const widest = clamp(step * 0.42 - 2.6, 1, 3.6);
  const features = graph.nodes.filter((node) => node.kind === 'feature');
  const most = Math.max(1e-9, ...features.map((node) => node.influence));
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

// Where an upward curve is at a height: what `curve` draws is close to a smooth step.
function between(from, to, y) {
  const t = clamp((from.y - y) / (from.y - to.y || 1), 0, 1);
  return from.x + (to.x - from.x) * t * t * (3 - 2 * t);
}

// Lead each edge round the boxes of the rows it passes, by the nearest gap where one is in its way.
function route(edges, placeOf, rows, area) {
  const lanes = new Map();
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

// An edge to a box beside or below bows round the side that has room.
function bow({ source, target }, placeOf, area) {
  const [a, b] = [placeOf(source), placeOf(target)];
  const [ya, yb] = [a.y + a.height / 2, b.y + b.height / 2 + (a.y === b.y ? 0 : 6)];
  if (a.x + a.width < b.x) return `M${a.x + a.width},${ya}L${b.x - 4},${yb}`;
  if (b.x + b.width < a.x) return `M${a.x},${ya}L${b.x + b.width + 4},${yb}`;
  const out = Math.max(a.x + a.width, b.x + b.width) + 30 < area.right + 12 ? 1 : -1;
  const [xa, xb] = out > 0 ? [a.x + a.width, b.x + b.width + 4] : [a.x, b.x - 4];
  const far = out > 0 ? Math.max(xa, xb) + 34 : Math.min(xa, xb) - 34;
  return `M${xa},${ya}C${far},${ya} ${far},${yb} ${xb},${yb}`;
}

// Where on its box each end of an edge docks: sorted by where it comes from, so that few cross.
function ports(edges, placeOf) {
  const ends = new Map();
  const middle = (id) => placeOf(id).x + placeOf(id).width / 2;
  const dock = (id, side, edge, x) => {
    const key = `${side}|${id}`;
    ends.set(key, [...(ends.get(key) ?? []), { edge, x }]);
  };
  for (const edge of edges.filter((each) => !each.aside)) {
    dock(edge.source, 'out', edge, edge.via[0]?.x ?? middle(edge.target));
    dock(edge.target, 'in', edge, edge.via[edge.via.length - 1]?.x ?? middle(edge.source));
  }
  for (const [key, list] of ends) {
    const [side, id] = key.split('|');
    const box = placeOf(id);
    list.sort((a, b) => a.x - b.x);
    const gap = Math.min(16, (box.width * 0.74) / list.length);
    list.forEach((end, i) => {
      const x = box.x + box.width / 2 + (i - (list.length - 1) / 2) * gap;
      end.edge[side] = { x, y: side === 'out' ? box.y : box.y + box.height + 5 };
    });
  }
}

function curve(from, to) {
  const rise = from.y - to.y;
  const bend = rise > 8 ? Math.max(10, rise * 0.5) : 34 + Math.abs(rise) * 0.35;
  const lean = rise > 8 ? 0 : from.x < to.x ? 8 : -8;
  return `M${from.x},${from.y}C${from.x + lean},${from.y - bend} ${to.x - lean},${
    to.y + bend} ${to.x},${to.y}`;
}

// One edge from port to port, straight up through each gap on its way.
function trail({ out, via, in: end }) {
  let from = out;
  let d = '';
  for (const { x, low, high } of via) {
    d += `${curve(from, { x, y: low })}L${x},${high}`;
    from = { x, y: high };
  }
  d += curve(from, end);
  return `M${d.slice(1).replaceAll('M', 'L')}`; // one stroke, so that dashes and the arrow go on
}

// The edges worth showing: the path, each box's strongest, and as many more as hold `share` of all.
function strongest(edges, path, share) {
  const sorted = [...edges].sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  const total = sorted.reduce((sum, edge) => sum + Math.abs(edge.weight), 0);
  const steps = new Set(path.slice(1).map((id, i) => `${path[i]}>${id}`));
  const seen = new Set();
  const keep = new Set();
  let sum = 0;
  for (const edge of sorted) {
    const ends = [`${edge.source}|out`, `${edge.target}|in`];
    const first = ends.some((end) => /^S/.test(end) && !seen.has(end));
    ends.forEach((end) => seen.add(end));
    if (sum < share * total || first || steps.has(`${edge.source}>${edge.target}`)) keep.add(edge);
    sum += Math.abs(edge.weight);
  }
  return [...keep].map((edge) => ({ ...edge, path: steps.has(`${edge.source}>${edge.target}`) }));
}
