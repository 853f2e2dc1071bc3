"""What the browser tests do on a page: ask, wait, unfold, save, bring, measure."""

DONE = "() => !!document.querySelector('#go')?.offsetParent"
BOXES = """() => [...document.querySelectorAll('.ac-group .ac-box, .ac-token rect, .ac-answer rect')]
    .map((box) => box.getBoundingClientRect()).map(({x, y, right, bottom}) => [x, y, right, bottom])"""
FRAMES = """async () => {
    const svg = document.querySelector('.ac-svg'), home = svg.getBoundingClientRect();
    let frames = 0; const start = performance.now();
    while (performance.now() - start < 1500) {
        const deltaY = frames % 40 < 20 ? -20 : 20;
        svg.dispatchEvent(new WheelEvent('wheel', {deltaY, clientX: home.x + 200, clientY: home.y + 200,
            bubbles: true, cancelable: true}));
        await new Promise(requestAnimationFrame); frames += 1;
    }
    return frames / 1.5;
}"""


def ask(page, message):
    """Type a question, send it, and wait until the page is ready for the next one."""
    page.locator("#ask textarea").fill(message)
    answered(page, lambda: page.keyboard.press("Enter"))


def answered(page, send):
    """Do what sends a question, and wait until it stands in the chat and is dealt with."""
    asked = page.locator("#chat .user-row").count()
    send()
    page.wait_for_function(f"document.querySelectorAll('#chat .user-row').length > {asked}")
    page.wait_for_timeout(500)  # the buttons change a moment after the question stands there
    page.wait_for_function(DONE)


def press_stop(page):
    """Stop at once; a click would wait for frames, which a machine that computes may owe for a minute."""
    page.locator("#stop").click(force=True)


def wait_a_little(page, selector):
    """Wait a few seconds for an element, which may not come."""
    for _ in range(30):
        if page.locator(selector).count():
            return
        page.wait_for_timeout(100)


def said(page):
    return page.inner_text("#chat")


def over_each_other(boxes):
    """The pairs of boxes that lie over each other."""
    pairs = [(one, other) for i, one in enumerate(boxes) for other in boxes[:i]]
    return [
        ((left, top, right, bottom), other)
        for (left, top, right, bottom), other in pairs
        if left < other[2] and other[0] < right and top < other[3] and other[1] < bottom
    ]


def show_groups(page):
    """Wait for a drawing and show its groups of features; one with concepts opens with their chain."""
    page.wait_for_selector(".ac-group")
    page.get_by_role("button", name="show groups").click()
    page.wait_for_selector(".ac-group:not(.ac-concept)")


def open_folds(page):
    """Unfold all that is said."""
    page.locator("#chat details").evaluate_all("folds => folds.forEach((fold) => { fold.open = true; })")


def saved(page, kind, folder):
    """Save what is open as a file; where it is."""
    if not page.locator("dialog[open]").count():
        page.get_by_role("button", name="Save & share").click()
    with page.expect_download() as download:
        page.locator(f".sh-card[data-kind={kind}]").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def bring(page, path):
    if not page.locator("dialog[open]").count():
        page.get_by_role("button", name="Save & share").click()
    page.locator("input[type=file]").set_input_files(path)
