// The drawing as a file: what is on the screen, with its looks written into it.
import { isShown } from './circuit_state.js';
import { download, el, NS, sv } from './elements.js';

import { FONT, fit } from './measure.js';

/** @import { Circuit, Shown } from './types.js' */

const LOOKS = [
  ...['fill', 'fill-opacity', 'stroke', 'stroke-width', 'stroke-dasharray', 'stroke-opacity'],
  ...['stroke-linecap', 'stroke-linejoin', 'opacity', 'font-family', 'font-size', 'font-weight'],
  ...['text-anchor', 'marker-end', 'display'],
];
const ALWAYS = ['fill', 'stroke', 'display'];

/**
 * The table of the lens, whole, however far it is scrolled.
 * @param {Shown} c
 */
function sheetSnapshot(c) {
  const table = /** @type {HTMLElement} */ (c.sheet.firstElementChild);
  c.sheet.classList.add('flat');
  const home = table.getBoundingClientRect();
  const { width, height } = home;
  const copy = sv('svg', { xmlns: NS, width, height, viewBox: `0 0 ${width} ${height}` });
  sv('rect', { width, height, fill: getComputedStyle(c.home).backgroundColor }, copy);
  for (const made of table.querySelectorAll('th, td')) {
    const [place, looks] = [made.getBoundingClientRect(), getComputedStyle(made)];
    const box = { x: place.x - home.x, y: place.y - home.y, width: place.width, height: place.height };
    sv('rect', { ...box, fill: looks.backgroundColor }, copy);
    const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 + 4, 'text-anchor': 'middle' };
    const font = { 'font-family': 'system-ui, sans-serif', 'font-size': 11, fill: looks.color };
    sv('text', { ...middle, ...font }, copy, fit(made.textContent ?? '', box.width - 4, FONT.small));
  }
  c.sheet.classList.remove('flat');
  return { text: new XMLSerializer().serializeToString(copy), width, height };
}

/** @param {Shown} c */
function snapshot(c) {
  if (c.mode === 'lens') return sheetSnapshot(c);
  const copy = /** @type {SVGSVGElement} */ (c.svg.cloneNode(true));
  const [own, others] = [c.svg.querySelectorAll('*'), copy.querySelectorAll('*')];
  others.forEach((other, i) => {
    const style = getComputedStyle(own[i]);
    for (const name of LOOKS) {
      const value = style.getPropertyValue(name);
      if ((value && value !== 'none') || ALWAYS.includes(name)) {
        other.setAttribute(name, value.replace(/url\(["']?[^#]*#([^"')]+)["']?\)/, 'url(#$1)'));
      }
    }
    for (const name of ['class', 'style', 'role', 'tabindex', 'aria-label']) other.removeAttribute(name);
  });
  const { width, height } = c.stage.getBoundingClientRect();
  for (const name of ['class', 'style', 'role', 'aria-label']) copy.removeAttribute(name);
  const around = { xmlns: NS, width, height, viewBox: `0 0 ${width} ${height}` };
  for (const [name, value] of Object.entries(around)) copy.setAttribute(name, String(value));
  const under = sv('g', { transform: c.root.getAttribute('transform') ?? '' });
  const looks = getComputedStyle(c.stage);
  for (const { d, weight } of c.links) {
    if (!d) continue;
    const stroke = looks.getPropertyValue(weight < 0 ? '--ac-neg' : '--ac-pos');
    sv('path', { d, fill: 'none', 'stroke-opacity': 0.3, 'stroke-width': 0.9, stroke }, under);
  }
  const paper = getComputedStyle(c.home).backgroundColor;
  copy.prepend(sv('rect', { width: '100%', height: '100%', fill: paper }), under);
  return { text: new XMLSerializer().serializeToString(copy), width, height };
}

/**
 * @param {Circuit} c
 * @param {string} kind svg or png
 */
function saveAs(c, kind) {
  if (!isShown(c)) return;
  const { text, width, height } = snapshot(c);
  if (kind === 'svg') {
    download(new Blob([text], { type: 'image/svg+xml' }), 'circuit.svg');
    return;
  }
  const image = new Image();
  image.onload = () => {
    const sheet = el('canvas', { width: Math.round(2 * width), height: Math.round(2 * height) });
    sheet.getContext('2d')?.drawImage(image, 0, 0, sheet.width, sheet.height);
    sheet.toBlob((blob) => blob && download(blob, 'circuit.png'), 'image/png');
  };
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
}

/** @param {Circuit} c */
export function listenToSave(c) {
  c.element.addEventListener('ac-save', (event) =>
    saveAs(c, /** @type {CustomEvent<string>} */ (event).detail),
  );
}
