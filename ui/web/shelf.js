// The shelf: worked examples, the visitor's conversations, saving, sharing and opening files.
// Decides nothing: it shows props.value and reports what is wanted by trigger.
import { download, el } from './elements.js';
import { percent, visible } from './words.js';

/** @import { Example, ShelfProps, ShelfValue, Talk, Trigger, Watch } from './types.js' */

/** @type {ShelfValue} */
const NONE = { gallery: [], talks: [], thread: '', link: '', saves: false };
const MOST_BYTES = 24e6;

/** @type {[kind: string, name: string, note: string][]} */
const SAVES = [
  ['html', 'Report', 'One HTML page with the drawing; opens anywhere, loads nothing.'],
  ['markdown', 'Markdown', 'The conversation and its evidence as text.'],
  ['bundle', 'Bundle', 'Everything as JSON: opens here again and can be replayed.'],
  ['svg', 'SVG', 'The drawing as you see it.'],
  ['png', 'PNG', 'The same as a picture.'],
  ['graph', 'Graph JSON', 'For Neuronpedia and circuit-tracer.'],
];

/** @type {(label: string, onclick: () => void, traits?: Record<string, unknown>) => HTMLButtonElement} */
const push = (label, onclick, traits) => el('button', { type: 'button', onclick, ...traits }, label);

/**
 * @param {string} title
 * @param {...(Node | string)} children
 */
function sheet(title, ...children) {
  const close = push('×', () => box.close(), { class: 'sh-close', 'aria-label': 'close' });
  const head = el('h2', null, title);
  const box = el(
    'dialog',
    { class: 'sh-sheet', 'aria-label': title },
    el('header', null, head, close),
    ...children,
  );
  box.addEventListener('click', (event) => event.target === box && box.close());
  return box;
}

/** What was opened is read from its beginning; the chat goes to its end, whenever it comes to be drawn. */
function keeperOfTop() {
  let resting = 0;
  function toTop() {
    clearInterval(resting);
    const late = performance.now() + 8000;
    let calm = 0; // looks in a row that found it at its top
    resting = window.setInterval(() => {
      const chat = document.querySelector('#chat .bubble-wrap');
      calm = chat?.querySelector('.message-row') && !chat.scrollTop ? calm + 1 : 0;
      if (chat) chat.scrollTop = 0;
      if (calm > 9 || performance.now() > late) clearInterval(resting);
    }, 100);
  }
  for (const sign of ['wheel', 'pointerdown', 'keydown']) {
    // whoever reads on is not held back
    document.addEventListener(sign, () => clearInterval(resting), { passive: true });
  }
  return toTop;
}

/**
 * @param {HTMLElement} element holds a `.sh`
 * @param {ShelfProps} props
 * @param {Trigger} trigger
 * @param {Watch} watch
 */
export function drawShelf(element, props, trigger, watch) {
  let V = NONE;
  const stayOnTop = keeperOfTop();
  const cards = el('div', { class: 'sh-cards' });
  const list = el('ul', { class: 'sh-talks' });
  const told = el('p', { class: 'sh-told', 'aria-live': 'polite' });
  const link = el('input', { type: 'text', readonly: '', class: 'sh-link', 'aria-label': 'link' });
  const linked = el(
    'div',
    { class: 'sh-linked', hidden: '' },
    link,
    push('Copy', () => {
      link.select();
      navigator.clipboard?.writeText(link.value).catch(() => document.execCommand('copy'));
      told.textContent = 'Copied.';
    }),
  );
  const picker = el('input', {
    type: 'file',
    accept: '.json,.gz',
    'aria-label': 'a bundle or a graph file',
    onchange: () => picker.files?.[0] && bring(picker.files[0]),
  });

  const saves = SAVES.map(([kind, name, note]) => {
    const made = push('', () => save(kind), { class: 'sh-card', 'data-kind': kind });
    made.append(el('b', null, name), el('span', null, note));
    return made;
  });
  const files = el('div', { class: 'sh-cards' }, ...saves);
  const maker = push('Make a link', () => ask('sharelink', {}), { class: 'sh-plain sh-make' });
  const nothing = el(
    'p',
    { class: 'sh-note' },
    'There is no explanation here yet: ask why about a text first.',
  );

  const examples = sheet(
    'Worked examples',
    el(
      'p',
      { class: 'sh-note' },
      'Real questions, answered and tested beforehand on the model. Open one, then ask on.',
    ),
    cards,
  );
  const whose = el('p', { class: 'sh-note' });
  const talks = sheet('Your conversations', whose, list);
  const keeping = sheet(
    'Save and share',
    nothing,
    files,
    el('h3', null, 'Link'),
    el(
      'p',
      { class: 'sh-note' },
      'A link is public: whoever has it, and may open this page, sees what is here now.',
    ),
    maker,
    linked,
    el('h3', null, 'Open a file'),
    el(
      'p',
      { class: 'sh-note' },
      'A bundle saved here, or a graph of circuit-tracer or Neuronpedia (JSON, also .gz).',
    ),
    picker,
    told,
  );

  /** @param {HTMLDialogElement} box */
  const open = (box) => () => {
    told.textContent = '';
    linked.hidden = true;
    box.showModal();
  };
  element.querySelector('.sh')?.append(
    push('Examples', open(examples), { class: 'sh-plain' }),
    push(
      'Conversations',
      () => {
        open(talks)();
        trigger('listtalks', {}); // another tab may have added to them
      },
      { class: 'sh-plain' },
    ),
    push('Save & share', open(keeping), { class: 'sh-plain' }),
    examples,
    talks,
    keeping,
  );

  /** @type {(name: 'sharelink' | 'fetchfile' | 'bringfile', what: unknown) => void} */
  function ask(name, what) {
    told.textContent = 'One moment …';
    setTimeout(() => {
      // a refusal by the gate is told behind the sheet
      if (told.textContent === 'One moment …')
        told.textContent = 'There was no answer; try again in a minute.';
    }, 60000);
    ({ sharelink: maker, fetchfile: files, bringfile: picker })[name].after(told); // where it was asked for
    trigger(name, what);
  }

  /** @param {string} kind */
  function save(kind) {
    const picture = document.querySelector('#circuit .ac')?.parentElement;
    if (kind === 'svg' || kind === 'png')
      picture?.dispatchEvent(new CustomEvent('ac-save', { detail: kind }));
    else ask('fetchfile', { kind });
  }

  /** @param {File} file */
  async function bring(file) {
    try {
      if (file.size > MOST_BYTES) throw new Error('The file is too large: at most 24 MB are read.');
      const packed = /\.gz$/.test(file.name);
      const stream = packed ? file.stream().pipeThrough(new DecompressionStream('gzip')) : file.stream();
      const text = await new Response(stream).text();
      if (text.length > MOST_BYTES) throw new Error('The file is too large: at most 24 MB are read.');
      ask('bringfile', { name: file.name, text });
    } catch (error) {
      const why = error instanceof Error ? error.message : '';
      told.textContent = why.startsWith('The file') ? why : 'The file cannot be read.';
    } finally {
      picker.value = '';
    }
  }

  /** @param {Example} one */
  function card(one) {
    const made = push(
      '',
      () => {
        examples.close();
        trigger('opencase', { name: one.name });
      },
      { class: 'sh-card', 'data-name': one.name },
    );
    made.append(
      el('small', null, one.kind),
      el('span', null, `${visible(one.text)} `, el('b', null, visible(one.answer))),
      el(
        'small',
        null,
        `${percent(one.p)} · rather than ${visible(one.foil)} · ${one.held} of ${one.tests} tests held`,
      ),
    );
    return made;
  }

  /** @param {Talk} one */
  function line(one) {
    const when = new Date(one.time * 1000).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
    const here = one.thread === V.thread;
    return el(
      'li',
      { class: here ? 'now' : null },
      el(
        'button',
        {
          type: 'button',
          class: 'sh-talk',
          'aria-current': here ? 'true' : null,
          onclick: () => {
            talks.close();
            trigger('opentalk', { thread: one.thread });
          },
        },
        el('b', null, one.title),
        el('small', null, when),
      ),
      push('Delete', () => trigger('droptalk', { thread: one.thread }), {
        class: 'sh-plain',
        'aria-label': `delete ${one.title}`,
      }),
    );
  }

  function show() {
    const before = V.opened;
    V = { ...NONE, ...(props.value ?? {}) };
    cards.replaceChildren(...V.gallery.map(card));
    list.replaceChildren(
      ...(V.talks.length
        ? V.talks.map(line)
        : [el('li', { class: 'sh-note' }, 'None yet. What you ask is listed here.')]),
    );
    whose.textContent = V.login
      ? 'Those of your login, from whatever browser.'
      : 'Only this browser can open them.';
    nothing.hidden = V.saves;
    for (const button of [...saves, maker]) button.disabled = !V.saves;
    if (V.opened && V.opened !== before) stayOnTop();
    if (!props.value || V.link === null) return;
    const here = new URL(window.location.href);
    if ((here.searchParams.get('bundle') ?? '') === V.link) return;
    if (V.link) here.searchParams.set('bundle', V.link);
    else here.searchParams.delete('bundle');
    window.history.replaceState(null, '', here);
  }

  // What the server made: a file to save, a link, or why there is none.
  function done() {
    const made = props.made;
    if (!made) return;
    told.textContent = made.why ?? made.note ?? '';
    if (made.text !== undefined) {
      download(new Blob([made.text], { type: made.mime }), made.name ?? 'askcircuit');
      told.textContent = `Saved as ${made.name}.`;
    }
    if (made.link) {
      const whole = new URL(window.location.pathname, window.location.href);
      whole.searchParams.set('bundle', made.link);
      link.value = whole.href;
      linked.hidden = false;
    }
    if (made.opened) keeping.close();
  }

  show();
  watch('value', show);
  watch('made', done);
}
