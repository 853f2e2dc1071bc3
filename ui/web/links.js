// Sentences of the answer and the picture point at each other: .ac-said carries what it is about.
const SAID = '.ac-said';
let held = null; // the sentence that was clicked, and stays lit until something else is

const signs = (sentence, kind) => [...sentence.classList].filter((name) => name.startsWith(kind))
  .map((name) => name.slice(kind.length));
const mine = (sentence) => G && sentence.classList.contains(`of-${G.circuit}`);
const partsOf = (sentence) => signs(sentence, 'on-');

function standing(ids) {
  return new Set([...ids].map((id) => (index ? standIn(id) ?? id : id)));
}

function light(sentence) {
  const parts = sentence && mine(sentence) ? partsOf(sentence) : null;
  lit = parts && { ids: new Set(parts.filter((part) => !part.includes('>'))),
    edges: new Set(parts.filter((part) => part.includes('>'))) };
  if (root) mark();
}

// What is pinned or hovered in the picture marks the sentences that speak of it.
function tellSentences() {
  const focus = hovered ?? pinned;
  const home = index?.nodes.get(focus)?.supernode;
  for (const sentence of document.querySelectorAll(SAID)) {
    const parts = G && focus && mine(sentence) ? partsOf(sentence) : [];
    sentence.classList.toggle('lit', parts.includes(focus) || Boolean(home && parts.includes(home)));
    sentence.classList.toggle('held', sentence === held);
    const pressed = String(sentence === held);
    if (G && mine(sentence) && sentence.getAttribute('aria-pressed') !== pressed) {
      sentence.setAttribute('role', 'button');
      sentence.setAttribute('aria-pressed', pressed);
    }
  }
}

// Bring the first sentence on what was pinned into sight, without moving the page itself.
function toSentence() {
  const said = [...document.querySelectorAll(`${SAID}.lit`)];
  const list = said[0]?.closest('.bubble-wrap');
  if (!list) return;
  const home = list.getBoundingClientRect();
  const places = said.map((sentence) => sentence.getBoundingClientRect());
  if (places.some((place) => place.bottom > home.top && place.top < home.bottom)) return;
  list.scrollTop += places[0].top - home.top - 24;
}

const sentenceOf = (event) => event.target.closest?.(SAID) ?? null;
const over = (event) => {
  const sentence = sentenceOf(event);
  if (sentence || lit) light(sentence ?? held);
};

function hold(sentence) {
  held = held === sentence ? null : sentence;
  light(held);
  const place = stage.getBoundingClientRect();
  const inSight = place.top < window.innerHeight - 80 && place.bottom > 80;
  if (held && !inSight) stage.scrollIntoView({ behavior: 'smooth', block: 'start' });
}

document.addEventListener('pointerover', (event) => event.pointerType !== 'touch' && over(event));
document.addEventListener('focusin', over);
document.addEventListener('click', (event) => {
  const sentence = sentenceOf(event);
  if (sentence && mine(sentence)) hold(sentence);
  else if (held && !element.contains(event.target)) {
    held = null;
    light(null);
  }
});
document.addEventListener('keydown', (event) => {
  const sentence = sentenceOf(event);
  if (event.key === 'Escape' && held) {
    held = null;
    light(null);
  } else if (sentence && mine(sentence) && (event.key === 'Enter' || event.key === ' ')) {
    event.preventDefault();
    hold(sentence);
  }
});

// The chat is drawn anew with every message: mark its sentences again.
let telling = false;
let questions = 0;
function toNewest() { // one's own question may stand below what is in sight: there the work is told
  const rows = document.querySelectorAll('#chat .user-row');
  const list = rows[0]?.closest('.bubble-wrap');
  if (list && questions && rows.length === questions + 1) list.scrollTop = list.scrollHeight;
  questions = rows.length;
}
new MutationObserver(() => {
  if (telling) return;
  telling = true;
  requestAnimationFrame(() => {
    telling = false;
    if (held && !held.isConnected) held = null;
    toNewest();
    for (const message of document.querySelectorAll('#chat [data-testid][aria-label]')) {
      const who = message.dataset.testid === 'user' ? 'question' : 'answer'; // Gradio would read out the markup
      if (message.getAttribute('aria-label') !== who) message.setAttribute('aria-label', who);
    }
    tellSentences();
  });
}).observe(document.querySelector('#chat') ?? document.body, { childList: true, subtree: true });
