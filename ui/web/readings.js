// The chips that say how a question was read: a click opens the boxes that correct it.
import { propose } from './question_box.js';

const BOXES = { 'is-text': '#text textarea', 'is-token': '#said input', 'is-instead-of': '#foil input' };

/** @param {Element} chip */
function correct(chip) {
  const sort = Object.keys(BOXES).find((name) => chip.classList.contains(name));
  const asked =
    [...document.querySelectorAll('#chat .message-row.user-row')].pop()?.textContent?.trim() ?? '';
  if (!sort) return propose(asked);
  const shut = document.querySelector('#apart button.label-wrap:not(.open)');
  if (shut instanceof HTMLElement) shut.click();
  setTimeout(() => {
    const field = /** @type {HTMLInputElement | null} */ (
      document.querySelector(BOXES[/** @type {'is-text'} */ (sort)])
    );
    if (!field) return;
    const said = (chip.textContent ?? '').replace(/^[^:]*: /, '');
    if (!said.endsWith('…')) {
      field.value = said;
      field.dispatchEvent(new Event('input', { bubbles: true }));
    }
    field.focus();
    field.scrollIntoView({ block: 'nearest' });
  }, 200);
}

/** Listen to clicks on chips, wherever the chat draws them. */
export function listenToReadings() {
  /** @param {Event} event */
  const chipOf = (event) => (event.target instanceof Element ? event.target.closest('.ac-read') : null);
  document.addEventListener('click', (event) => {
    const chip = chipOf(event);
    if (chip) correct(chip);
  });
  document.addEventListener('keydown', (event) => {
    const chip = event.key === 'Enter' ? chipOf(event) : null;
    if (chip) correct(chip);
  });
}
