// The bench: scale what is pinned and see at once what the model then says; test it; swap a word.
const FACTORS = { min: -2, max: 3, step: 0.25 };
let attempt = { id: null, factor: 1, seen: null }; // what stands on the bench
let asking = null; // the number of the request under way
let numbers = 0;
let again = false; // the slider moved while a request was under way
let settling = 0;
let drawn = {}; // the parts of the bench now on the page

const byHand = (factor) => (factor === 0 ? 'removed' : factor === 1 ? 'unchanged'
  : `× ${String(factor).replace('-', '−')}`);

function bench(id) {
  const focus = focusOn(id);
  if (!focus || G.only_seen) return null; // without its model a graph can only be looked at
  const node = index.nodes.get(id);
  const word = node?.kind === 'token';
  const title = word ? 'Swap it' : 'Try it';
  return el('section', { class: 'ac-bench' }, el('h4', null, title),
    ...(word ? [] : scaler(id)), swapper(focus));
}

function scaler(id) {
  if (attempt.id !== id) attempt = { id, factor: 1, seen: null };
  const range = el('input', { type: 'range', ...FACTORS, value: attempt.factor, list: 'ac-factors',
    'aria-label': 'factor', oninput: () => turn(Number(range.value)) });
  const told = el('output', { class: 'ac-factor' });
  const bars = el('div', { class: 'ac-says', 'aria-live': 'polite' });
  const test = el('button', { type: 'button', class: 'ac-button',
    onclick: () => act('test') }, 'Test it with controls');
  const off = el('button', { type: 'button', class: 'ac-button', onclick: () => turn(0) }, 'Remove');
  drawn = { range, told, bars, test };
  bench.show();
  return [el('div', { class: 'ac-scale' }, range, told, off),
    el('datalist', { id: 'ac-factors' }, el('option', { value: 0 }), el('option', { value: 1 })),
    bars, test, handsOn(id)];
}

// What was done to it by hand before, from the ledger.
function handsOn(id) {
  const done = (G.tried ?? []).filter((one) => one.id === id).slice(-4);
  if (!done.length) return null;
  const told = done.map(({ factor, measured }) => `${byHand(factor)}: ${signed(measured)}`);
  return el('p', { class: 'ac-hint' }, `You tried ${told.join(', ')}; no controls.`);
}

function swapper(focus) {
  const words = el('input', { type: 'text', maxlength: 100, placeholder: 'another word…',
    'aria-label': 'swap with' });
  const send = (event) => {
    event.preventDefault();
    if (words.value.trim()) trigger('act', { ...focus, act: 'swap', words: words.value });
  };
  return el('form', { class: 'ac-swap', onsubmit: send }, words,
    el('button', { type: 'submit', class: 'ac-button' }, 'Swap'));
}

function act(name) {
  trigger('act', { ...focusOn(attempt.id), act: name, factor: attempt.factor });
}

function turn(factor) {
  attempt.factor = factor;
  clearTimeout(settling);
  bench.show();
  if (asking) again = true;
  else settling = setTimeout(send, 60);
}

function send() {
  again = false;
  numbers += 1;
  asking = numbers;
  trigger('dial', { ...focusOn(attempt.id), factor: attempt.factor, n: asking });
  const number = asking;
  setTimeout(() => asking === number && heard(), 8000); // an answer that never comes blocks nothing
}

// One request at a time; when it is answered, the newest wish goes out, and at rest it is kept.
function heard() {
  asking = null;
  if (again) send();
  else {
    const { id, factor } = attempt;
    settling = setTimeout(() => keep(id, factor), 1200);
  }
}

function keep(id, factor) {
  const seen = attempt.seen;
  const still = attempt.id === id && attempt.factor === factor && seen?.factor === factor;
  if (!still || seen.kept || factor === 1 || seen.why) return;
  seen.kept = true;
  trigger('keep', { ...focusOn(id), factor });
}

function answered() {
  const seen = props.tried;
  if (!seen || seen.n !== asking) return;
  if (focusOn(attempt.id)?.id === seen.id) {
    attempt.seen = seen;
    bench.show();
  }
  heard();
}

bench.show = () => {
  const { range, told, bars, test } = drawn;
  const { factor, seen } = attempt;
  range.value = factor;
  range.setAttribute('aria-valuetext', byHand(factor));
  told.textContent = byHand(factor);
  test.disabled = factor === 1;
  bars.replaceChildren(...(seen ? saysNow(seen) : [el('p', { class: 'ac-hint' },
    'Move the slider: 0 removes it, 1 leaves it as it is.')]));
};

function saysNow(seen) {
  if (seen.why) return [el('p', { class: 'ac-hint' }, seen.why)];
  const most = Math.max(...seen.tokens.flatMap(({ before, after }) => [before, after]), 1e-9);
  const rows = [...seen.tokens].sort((a, b) => b.after + b.before - a.after - a.before).slice(0, 6);
  const bar = (kind, share) => {
    const made = el('i', { class: kind });
    made.style.width = `${Math.max(1, (share / most) * 100)}%`;
    return made;
  };
  return [
    el('p', { class: 'ac-key' }, el('i', { class: 'was' }), 'before', el('i', { class: 'now' }),
      byHand(seen.factor)),
    ...rows.map(({ token, before, after }) => el('div', { class: 'ac-guess' },
      el('span', null, visible(token)), el('div', null, bar('was', before), bar('now', after)),
      el('b', null, `${percent(before)} → ${percent(after)}`))),
    el('p', { class: 'ac-hint' }, `${leadOf(G)} changes by ${signed(seen.change)}. No controls were run.`),
  ];
}

watch('tried', answered);
