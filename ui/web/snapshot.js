// The drawing as a file: what is on the screen, with its looks written into it.
const LOOKS = ['fill', 'fill-opacity', 'stroke', 'stroke-width', 'stroke-dasharray', 'stroke-opacity',
  'stroke-linecap', 'stroke-linejoin', 'opacity', 'font-family', 'font-size', 'font-weight',
  'text-anchor', 'marker-end', 'display'];

function snapshot() {
  const copy = svg.cloneNode(true);
  const [own, others] = [svg.querySelectorAll('*'), copy.querySelectorAll('*')];
  others.forEach((other, i) => {
    const style = getComputedStyle(own[i]);
    for (const name of LOOKS) {
      const value = style.getPropertyValue(name);
      if (value && value !== 'none' || ['fill', 'stroke', 'display'].includes(name)) {
        other.setAttribute(name, value.replace(/url\(["']?[^#]*#([^"')]+)["']?\)/, 'url(#$1)'));
      }
    }
    for (const name of ['class', 'style', 'role', 'tabindex', 'aria-label']) other.removeAttribute(name);
  });
  const { width, height } = stage.getBoundingClientRect();
  const around = { xmlns: NS, width, height, viewBox: `0 0 ${width} ${height}` };
  for (const name of ['class', 'style', 'role', 'aria-label']) copy.removeAttribute(name);
  for (const [name, value] of Object.entries(around)) copy.setAttribute(name, value);
  const under = sv('g', { transform: root.getAttribute('transform') ?? '' });
  const looks = getComputedStyle(stage);
  for (const { d, weight } of links.filter((link) => link.d)) {
    sv('path', { d, fill: 'none', 'stroke-opacity': 0.3, 'stroke-width': 0.9,
      stroke: looks.getPropertyValue(weight < 0 ? '--ac-neg' : '--ac-pos') }, under);
  }
  const paper = getComputedStyle(element.querySelector('.ac')).backgroundColor;
  copy.prepend(sv('rect', { width: '100%', height: '100%', fill: paper }), under);
  return { text: new XMLSerializer().serializeToString(copy), width, height };
}

function download(blob, name) {
  const url = URL.createObjectURL(blob);
  el('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

function saveAs(kind) {
  if (!G) return;
  const { text, width, height } = snapshot();
  const picture = new Blob([text], { type: 'image/svg+xml' });
  if (kind === 'svg') {
    download(picture, 'circuit.svg');
    return;
  }
  const image = new Image();
  image.onload = () => {
    const sheet = el('canvas', { width: Math.round(2 * width), height: Math.round(2 * height) });
    sheet.getContext('2d').drawImage(image, 0, 0, sheet.width, sheet.height);
    sheet.toBlob((blob) => download(blob, 'circuit.png'), 'image/png');
  };
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
}

element.addEventListener('ac-save', (event) => saveAs(event.detail));
