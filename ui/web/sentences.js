// Sentences of the answer and the picture point at each other.
import { isOurs, mark, markSentences, partsOf, SAID } from './marks.js';

/** @import { Circuit } from './types.js' */

/**
 * @param {Circuit} c
 * @param {Element | null} sentence
 */
function light(c, sentence) {
  const parts = sentence && isOurs(c, sentence) ? partsOf(sentence) : null;
  c.lit = parts && {
    ids: new Set(parts.filter((part) => !part.includes('>'))),
    edges: new Set(parts.filter((part) => part.includes('>'))),
  };
  if (c.root) mark(c);
}

/**
 * Bring the first sentence on what was pinned into sight, without moving the page itself.
 */
export function toSentence() {
  const said = [...document.querySelectorAll(`${SAID}.lit`)];
  const list = said[0]?.closest('.bubble-wrap');
  if (!list) return;
  const home = list.getBoundingClientRect();
  const places = said.map((sentence) => sentence.getBoundingClientRect());
  if (places.some((place) => place.bottom > home.top && place.top < home.bottom)) return;
  list.scrollTop += places[0].top - home.top - 24;
}

/** @param {Event} event */
const sentenceOf = (event) => (event.target instanceof Element ? event.target.closest(SAID) : null);

/**
 * @param {Circuit} c
 * @param {Element | null} sentence
 */
function hold(c, sentence) {
  c.held = c.held === sentence ? null : sentence;
  light(c, c.held);
  const place = c.stage.getBoundingClientRect();
  const inSight = place.top < window.innerHeight - 80 && place.bottom > 80;
  if (c.held && !inSight) c.stage.scrollIntoView({ behavior: 'smooth', block: 'start' });
}

/** @param {Circuit} c */
export function listenToSentences(c) {
  /** @param {Event} event */
  const over = (event) => {
    const sentence = sentenceOf(event);
    if (sentence || c.lit) light(c, sentence ?? c.held);
  };
  document.addEventListener('pointerover', (event) => event.pointerType !== 'touch' && over(event));
  document.addEventListener('focusin', over);
  document.addEventListener('click', (event) => {
    const sentence = sentenceOf(event);
    if (sentence && isOurs(c, sentence)) hold(c, sentence);
    else if (c.held && !c.element.contains(/** @type {Node} */ (event.target))) hold(c, c.held);
  });
  document.addEventListener('keydown', (event) => {
    const sentence = sentenceOf(event);
    if (event.key === 'Escape' && c.held) hold(c, c.held);
    else if (sentence && isOurs(c, sentence) && (event.key === 'Enter' || event.key === ' ')) {
      event.preventDefault();
      hold(c, sentence);
    }
  });
  watchChat(c);
}

/**
 * The chat is drawn anew with every message: mark its sentences again.
 * @param {Circuit} c
 */
function watchChat(c) {
  let waiting = false;
  let questions = 0;
  const look = () => {
    waiting = false;
    if (c.held && !c.held.isConnected) c.held = null;
    questions = toNewest(questions);
    /** @type {NodeListOf<HTMLElement>} */
    const messages = document.querySelectorAll('#chat [data-testid][aria-label]');
    for (const message of messages) {
      const who = message.dataset.testid === 'user' ? 'question' : 'answer'; // Gradio would read out the markup
      if (message.getAttribute('aria-label') !== who) message.setAttribute('aria-label', who);
    }
    markSentences(c);
  };
  new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(look);
  }).observe(document.querySelector('#chat') ?? document.body, { childList: true, subtree: true });
}

/**
 * One's own question may stand below what is in sight: there the work is told.
 * @param {number} before how many questions there were
 * @returns {number} how many there are
 */
function toNewest(before) {
  const rows = document.querySelectorAll('#chat .user-row');
  const list = rows[0]?.closest('.bubble-wrap');
  if (list && before && rows.length === before + 1) list.scrollTop = list.scrollHeight;
  return rows.length;
}
