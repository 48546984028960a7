"""What can be measured of how a page looks."""

LEAST_CONTRAST = 4.5  # WCAG 2.2 AA for text of any size

# Every visible text with the colours that it is really drawn in: [text, contrast], the worst first.
CONTRASTS = """() => {
    const pen = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const channels = (colour) => {
        pen.clearRect(0, 0, 1, 1);
        pen.fillStyle = colour;
        pen.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = ([r, g, b, a], below) =>
        [r, g, b].map((value, k) => value * a + below[k] * (1 - a));
    const ground = (node) => {
        if (!node) return [255, 255, 255];
        const own = channels(getComputedStyle(node).backgroundColor);
        return own[3] === 1 ? own.slice(0, 3) : over(own, ground(node.parentElement));
    };
    const light = (rgb) => {
        const [r, g, b] = rgb.map((value) => {
            const share = value / 255;
            return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const found = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const node = walk.currentNode.parentElement;
        const text = walk.currentNode.data.trim();
        if (!text || !node.checkVisibility({ visibilityProperty: true })) continue;
        if (node.closest(':disabled, noscript, .spoken')) continue;
        const below = ground(node);
        const style = getComputedStyle(node);
        const ink = node instanceof SVGElement ? style.fill : style.color;
        const pair = [light(over(channels(ink), below)), light(below)].sort((a, b) => b - a);
        found.push([text, (pair[0] + 0.05) / (pair[1] + 0.05)]);
    }
    return found.sort((a, b) => a[1] - b[1]);
}"""


def too_faint(page):
    """Visible texts of less contrast than that, with it. A page without texts fails."""
    found = page.evaluate(CONTRASTS)
    assert len(found) > 5
    return [one for one in found if one[1] < LEAST_CONTRAST]


def runs_over(page):
    """Whether it has to be scrolled sideways."""
    return page.evaluate(
        "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )
