// What the subject wrote: each token shows, when it is clicked, how likely it was and what else was.

import { el } from './elements.js';

/** @import { Circuit } from './types.js' */

const TOKEN = '.ac-tok';

/**
 * @param {Element} token
 * @param {string} name
 */
const sign = (token, name) =>
  [...token.classList].find((one) => one.startsWith(name))?.slice(name.length) ?? '';

/**
 * @param {Element} token
 * @param {string} part
 */
const texts = (token, part) => [...token.querySelectorAll(part)].map((one) => one.textContent ?? '');

/** @param {Element} token */
const wordOf = (token) => [...token.childNodes].find((node) => node.nodeType === 3)?.textContent ?? '■';

/**
 * The card of one token: its probability, what else was likely there, and what can be asked.
 * @param {Circuit} c
 * @param {Element} token
 * @param {() => void} close
 */
function cardOf(c, token, close) {
  const word = wordOf(token);
  const [p] = texts(token, '.ac-p');
  /** @param {string} [foil] */
  const ask = (foil) => {
    close();
    const what = { act: 'token', writing: sign(token, 'of-'), at: Number(sign(token, 'at-')), foil };
    c.trigger('act', { ...what, words: word });
  };
  const others = [...token.querySelectorAll('.ac-other')].map((row) => {
    const [text, share] = [...row.children].map((part) => part.textContent ?? '');
    const own = text === word;
    return el(
      'li',
      { class: own ? 'own' : null },
      el('span', { class: 'ac-word' }, `“${text}”`),
      el('span', null, share),
      own ? null : el('button', { type: 'button', onclick: () => ask(text) }, 'why not?'),
    );
  });
  return [
    el('b', null, `“${word}” ${p ?? ''}`),
    el('p', null, others.length ? 'What was likeliest in this place:' : 'Nothing stands before it.'),
    el('ul', null, ...others),
    others.length
      ? el('button', { type: 'button', class: 'ac-why', onclick: () => ask() }, 'Why this one?')
      : null,
    el('button', { type: 'button', class: 'ac-close', 'aria-label': 'Close', onclick: close }, '✕'),
  ];
}

/** @param {Circuit} c */
export function listenToTokens(c) {
  const card = el('div', { class: 'ac-card', role: 'dialog', 'aria-label': 'One token', tabindex: -1 });
  card.hidden = true;
  document.body.append(card);
  /** @type {Element | null} */
  let held = null;

  function close() {
    card.hidden = true;
    held?.classList.remove('ac-held');
    if (held instanceof HTMLElement && card.contains(document.activeElement)) held.focus();
    held = null;
  }

  /** @param {Element} token */
  function open(token) {
    close();
    held = token;
    token.classList.add('ac-held');
    card.replaceChildren(...cardOf(c, token, close).filter((part) => part !== null));
    card.hidden = false;
    const place = token.getClientRects()[0];
    const { width, height } = card.getBoundingClientRect();
    const below = place.bottom + 6 + height < window.innerHeight;
    card.style.left = `${Math.max(8, Math.min(place.left, window.innerWidth - width - 8))}px`;
    card.style.top = `${Math.max(8, below ? place.bottom + 6 : place.top - height - 6)}px`;
  }

  /** @param {Event} event */
  const tokenOf = (event) => (event.target instanceof Element ? event.target.closest(TOKEN) : null);
  document.addEventListener('click', (event) => {
    const token = tokenOf(event);
    if (token?.querySelector('.ac-tip')) open(token);
    else if (!card.hidden && !card.contains(/** @type {Node} */ (event.target))) close();
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !card.hidden) close();
    const token = tokenOf(event);
    if (token?.querySelector('.ac-tip') && (event.key === 'Enter' || event.key === ' ')) {
      event.preventDefault();
      open(token);
      card.focus();
    }
  });
  document.addEventListener('scroll', () => !card.hidden && close(), { capture: true, passive: true });
}
