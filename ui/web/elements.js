// Elements of the page. Data reaches it by textContent and setAttribute only: a token can never become markup.

export const NS = 'http://www.w3.org/2000/svg';

/**
 * @template T
 * @param {T | null | undefined} value
 * @returns {value is T}
 */
export const known = (value) => value !== null && value !== undefined;

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, unknown> | null} [traits] attributes; `onclick` and the like listen
 * @param {...(Node | string | null | undefined)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, traits, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(traits ?? {})) {
    if (typeof value === 'function')
      made.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else if (known(value) && value !== false) made.setAttribute(name, String(value));
  }
  made.append(...children.filter(known));
  return made;
}

/**
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, unknown>} traits
 * @param {Element | null} [parent]
 * @param {string} [text]
 * @returns {SVGElementTagNameMap[T]}
 */
export function sv(tag, traits, parent, text) {
  const made = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(traits)) made.setAttribute(name, String(value));
  if (text !== undefined) made.textContent = text;
  if (parent) parent.appendChild(made);
  return made;
}

/**
 * @param {Blob} blob
 * @param {string} name
 */
export function download(blob, name) {
  const url = URL.createObjectURL(blob);
  el('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
