// Puts the circuit on the page: boxes, tokens, edges, dots, at the places layout.js found.
const SHAPES = { // a kind is told by its outline and its sign, not by colour alone
  input: (w, h) => `M10,0H${w - 10}Q${w},0 ${w},10V${h - 9}L${w - 9},${h}H9L0,${h - 9}V10Q0,0 10,0Z`,
  middle: (w, h) => `M12,0H${w - 12}Q${w},0 ${w},12V${h - 12}Q${w},${h} ${w - 12},${h}H12Q0,${h} 0,${
    h - 12}V12Q0,0 12,0Z`,
  say: (w, h) => `M10,0H${w / 2 - 8}L${w / 2},-7L${w / 2 + 8},0H${w - 10}Q${w},0 ${w},10V${
    h - 10}Q${w},${h} ${w - 10},${h}H10Q0,${h} 0,${h - 10}V10Q0,0 10,0Z`,
};
const SIGNS = {
  input: 'M1,3h9M1,6h6M1,9h9', middle: 'M5.5,1l4.5,2.5v5l-4.5,2.5l-4.5,-2.5v-5z',
  say: 'M1,1h9v6h-4l-2.5,3v-3h-2.5z',
};
const DOTS = {
  input: (r) => `M${-r},${r}H${r}L0,${-r}Z`, say: (r) => `M${-r},${-r}H${r}V${r}H${-r}Z`,
  error: (r) => `M${-r},${-r}L${r},${r}M${r},${-r}L${-r},${r}`,
  other: (r) => `M${-r},0A${r},${r} 0 1 1 ${r},0A${r},${r} 0 1 1 ${-r},0Z`,
};

function newRoot() {
  const defs = sv('defs', {}, svg);
  for (const kind of ['pos', 'neg']) {
    const head = sv('marker', { id: `ac-${kind}`, viewBox: '0 0 8 8', refX: 7, refY: 4,
      markerWidth: 8, markerHeight: 8, markerUnits: 'userSpaceOnUse', orient: 'auto' }, defs);
    sv('path', { d: 'M0,0L8,4L0,8Z', class: `ac-head-${kind}` }, head);
  }
  root = sv('g', {}, svg);
}

function axis(layerY, width, words) {
  const step = Math.max(1, Math.ceil(G.n_layers / 6));
  for (let layer = 0; layer < G.n_layers; layer += step) {
    const y = layerY(layer);
    sv('line', { x1: 26, x2: width, y1: y, y2: y, class: 'ac-row' }, root);
    sv('text', { x: 2, y: y + 3.5, class: 'ac-faint' }, root, `L${layer}`);
  }
  if (words) sv('title', {}, root, words);
}

function tokenRow(layout, places) {
  for (const column of layout.cols.list) {
    const id = `T${column.from}`;
    const place = places(column);
    const made = sv('g', { class: `ac-token${column.folded ? ' folded' : ''}` }, root);
    sv('rect', { ...place, rx: 6 }, made);
    const middle = { x: place.x + place.width / 2, y: place.y + place.height / 2 };
    const length = layout.cols.upright ? place.width - 6 : place.height - 8;
    const turn = layout.cols.upright ? {} : { transform: `rotate(-90 ${middle.x} ${middle.y})` };
    sv('text', { x: middle.x, y: middle.y + 4, 'text-anchor': 'middle', ...turn }, made,
      fit(column.label, length, FONT.small));
    if (!column.folded) register(id, made, middle, index.tokens.get(id) ?? id);
    for (let at = column.from; at <= column.to; at += 1) spots.set(`T${at}`, { el: made, ...middle });
  }
}

function register(id, made, middle, node) {
  made.dataset.id = id;
  made.dataset.node = node ?? id;
  made.setAttribute('role', 'button');
  made.setAttribute('aria-label', nameOf(G, index, id));
  made.setAttribute('tabindex', mode === 'groups' || !spots.size ? '0' : '-1');
  made.classList.add('ac-item');
  spots.set(id, { el: made, ...middle });
}

function paintGroups(width, height) {
  const feeds = strongest(G.superedges, G.strongest_path, strength.groups);
  const layout = groupLayout(G, width, height, opened, feeds);
  const place = (id) => (id === 'LD' ? layout.answer : layout.boxes.get(id) ?? layout.tokens.get(id));
  newRoot();
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  axis(layout.layerY, width);
  const shown = feeds.filter((edge) => place(edge.source) && place(edge.target));
  const most = Math.max(...shown.map((edge) => Math.abs(edge.weight)), 1e-9);
  route(shown, place, layout.rows, layout.area);
  ports(shown, place);
  shown.sort((a, b) => a.path - b.path);
  for (const edge of shown) {
    const d = edge.aside ? bow(edge, place, layout.area) : trail(edge);
    const wide = 1 + 5 * Math.sqrt(Math.abs(edge.weight) / most);
    const kind = edge.weight < 0 ? 'neg' : 'pos';
    const made = sv('g', { class: `ac-edge e-${kind}${edge.path ? ' e-path' : ''}` }, root);
    if (edge.path) sv('path', { d, class: 'ac-halo', 'stroke-width': wide + 6 }, made);
    sv('path', { d, class: 'ac-line', 'stroke-width': wide, 'marker-end': `url(#ac-${kind})` }, made);
    sv('path', { d, class: 'ac-hit' }, made);
    links.push({ ...edge, el: made });
    made.dataset.link = links.length - 1;
  }
  sv('g', { class: 'ac-hot' }, root); // behind the boxes, whose words they would cross
  tokenRow(layout, (column) => layout.tokens.get(`T${column.from}`));
  answerBox(layout.answer);
  for (const group of G.supernodes) {
    const box = layout.boxes.get(group.id);
    if (box) groupBox(group, box);
  }
  sv('g', { class: 'ac-hot' }, root); // within an opened box
  return layout.height;
}

function answerBox(box) {
  const made = sv('g', { class: 'ac-answer' }, root);
  sv('rect', { x: box.x, y: box.y, width: box.width, height: box.height, rx: 10 }, made);
  const x = box.x + box.width / 2;
  const lead = fit(leadOf(G), box.width - 16, FONT.name);
  sv('text', { x, y: box.y + 17, 'text-anchor': 'middle', class: 'ac-name' }, made, lead);
  sv('text', { x, y: box.y + 32, 'text-anchor': 'middle' }, made, `${signed(G.target.value)} logits`);
  register('LD', made, { x, y: box.y + 20 }, index.tokens.get('LD') ?? 'LD');
}

function groupBox(group, box) {
  const open = opened.has(group.id);
  const made = sv('g', { class: `ac-group k-${group.kind}${group.sign < 0 ? ' against' : ''}`,
    transform: `translate(${box.x},${box.y})` }, root);
  if (G.strongest_path.includes(group.id)) made.classList.add('on-path');
  const shape = SHAPES[group.kind] ?? SHAPES.middle;
  sv('path', { d: shape(box.width, box.height), class: 'ac-box' }, made);
  const sign = sv('svg', { x: 9, y: 8, width: 12, height: 12, viewBox: '-1 -1 13 13',
    class: `ac-sign k-${group.kind}` }, made);
  sv('path', { d: SIGNS[group.kind] ?? SIGNS.middle }, sign);
  const lines = open ? [fit(neat(group.name), box.width - 50, FONT.name)] : box.lines;
  lines.forEach((line, i) => sv('text', { x: 25, y: 18 + i * 15, class: 'ac-name' }, made, line));
  const share = `${group.sign < 0 ? '−' : ''}${percent(group.share)}`;
  const facts = [group.id, share, layersOf(group.layers)];
  const room = (words) => widthOf(words, FONT.small) <= box.width - 28;
  const meta = [facts.join(' · '), facts.join(' '), `${facts[0]} · ${facts[2]}`].find(room) ?? group.id;
  const y = 18 + lines.length * 15;
  sv('text', { x: 25, y, class: 'ac-meta' }, made, meta);
  const [mark_, word] = verdictOf(group);
  const badge = sv('g', { class: `ac-seal v-${word}`,
    transform: `translate(${box.width},1)` }, made);
  sv('circle', { r: 8.5 }, badge);
  sv('text', { y: 4, 'text-anchor': 'middle' }, badge, mark_);
  register(group.id, made, { x: box.x + box.width / 2, y: box.y + box.height / 2 });
  if (open) memberRows(group, box);
}

function memberRows(group, box) {
  const members = group.members.map((id) => index.nodes.get(id)).filter(Boolean);
  members.sort((a, b) => b.influence - a.influence);
  members.slice(0, ROWS_SHOWN).forEach((node, i) => {
    const y = box.y + 50 + i * ROW;
    const made = sv('g', { class: `ac-member k-${group.kind}` }, root);
    sv('rect', { x: box.x + 6, y: y - 7, width: box.width - 12, height: ROW, rx: 4 }, made);
    dot(made, node, box.x + 16, y, 3 + 2 * Math.sqrt(node.influence / (members[0].influence || 1)));
    sv('text', { x: box.x + 26, y: y + 4 }, made,
      fit(`L${node.layer} ${neat(node.label)}`, box.width - 38, FONT.small));
    register(node.id, made, { x: box.x + 16, y });
  });
  if (members.length > ROWS_SHOWN) {
    sv('text', { x: box.x + 26, y: box.y + 54 + ROWS_SHOWN * ROW, class: 'ac-faint' }, root,
      `and ${members.length - ROWS_SHOWN} weaker ones`);
  }
}

const shapeOf = (node) => (node.kind === 'error' ? 'error' : node.role ?? 'other');

function dot(parent, node, x, y, r) {
  const shape = DOTS[shapeOf(node)] ?? DOTS.other;
  return sv('path', { d: shape(r), transform: `translate(${x},${y})`,
    class: `ac-dot d-${shapeOf(node)}${node.effect < 0 ? ' against' : ''}` }, parent);
}

function paintDots(width, height) {
  const layout = dotLayout(G, width, height);
  newRoot();
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  axis(layout.layerY, width);
  const at = layout.spots;
  const many = Math.ceil(G.edges.length * strength.features);
  const shown = G.edges.slice(0, many).filter((e) => at.has(e.source) && at.has(e.target));
  const piles = new Map(); // a few canvas paths by sign and strength: a pan costs eight strokes
  const ranks = [0.5, 0.2, 0.05].map((part) => shown.length * part);
  shown.sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  for (const [rank, edge] of shown.entries()) {
    const level = ranks.filter((limit) => rank < limit).length;
    const key = `${edge.weight < 0 ? 'neg' : 'pos'}${level}`;
    if (!piles.has(key)) piles.set(key, []);
    piles.get(key).push(curve(at.get(edge.source), at.get(edge.target)));
    links.push({ ...edge, el: null, d: curve(at.get(edge.source), at.get(edge.target)) });
  }
  bundles = [...piles].sort().map(([key, curves]) => ({ negative: key.startsWith('neg'),
    level: Number(key.slice(3)), path: new Path2D(curves.join('')) }));
  sv('g', { class: 'ac-hot' }, root);
  const top = height - layout.tokenHeight - 6;
  tokenRow(layout, (column) => ({ x: column.middle - Math.min(column.width - 3, 104) / 2, y: top,
    width: Math.min(column.width - 3, 104), height: layout.tokenHeight }));
  for (const node of G.nodes) {
    const spot = at.get(node.id);
    if (node.layer < 0) {
      const home = spots.get(`T${node.position}`);
      spots.set(node.id, { ...home });
      continue;
    }
    const made = sv('g', { class: `ac-feature k-${node.kind}` }, root);
    if (node.kind === 'logit') answerDot(made, node, spot, width);
    else dot(made, node, spot.x, spot.y, spot.r);
    register(node.id, made, spot);
  }
  return height;
}

function answerDot(made, node, spot, width) {
  const name = fit(leadOf(G), 170, FONT.name);
  const wide = widthOf(name, FONT.name) + 22;
  const x = clamp(spot.x - wide / 2, 30, width - wide - 6);
  made.classList.add('ac-answer');
  sv('rect', { x, y: 8, width: wide, height: 24, rx: 8 }, made);
  sv('text', { x: x + wide / 2, y: 24, 'text-anchor': 'middle', class: 'ac-name' }, made, name);
  spot.y = 34;
}
