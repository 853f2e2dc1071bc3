// Puts a question into the box of the page, for the reader to send or to change.

const box = () => /** @type {HTMLTextAreaElement | null} */ (document.querySelector('#ask textarea'));

export const OTHER = 'another word'; // what is to be filled in

export const canAsk = () => box() !== null;

/**
 * @param {string} question
 * @param {string} [blank] the part that is to be filled in: it is selected
 */
export function propose(question, blank = '') {
  const field = box();
  if (!field) return;
  field.value = question;
  field.dispatchEvent(new Event('input', { bubbles: true }));
  field.focus();
  const at = blank ? question.indexOf(blank) : -1;
  if (at >= 0) field.setSelectionRange(at, at + blank.length);
}
