"""Where the tasks of a playbook stand in a picture: layers from top to bottom, few crossings, straight lines.

Units are those of the picture (pixels). A line that passes a layer gets a narrow place of its own in it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from warroom.core.playbook import Playbook

WIDTH, HEIGHT = 216.0, 58.0
BETWEEN, BELOW = 28.0, 46.0
PASSAGE = 18.0
_SWEEPS, _PULLS = 12, 80
_STRAIGHT = 12.0

Key = tuple[str, int]  # (task id, 0), or (text of a line, layer) for a passage


@dataclass(frozen=True)
class Box:
    """A task's place: centre and size."""

    x: float
    y: float
    width: float = WIDTH
    height: float = HEIGHT


@dataclass(frozen=True)
class Line:
    """A branch: from the bottom of one task through `points` to the top of another."""

    source: str
    target: str
    label: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Layout:
    """Everything placed, with the size of the whole; nothing lies left of or above (0, 0)."""

    boxes: Mapping[str, Box]
    lines: tuple[Line, ...]
    width: float
    height: float


@dataclass(frozen=True)
class _Chain:
    """A branch as the keys it passes, from its upper to its lower end. `back`: it leads upwards, closing a circle."""

    source: str
    target: str
    label: str
    keys: tuple[Key, ...]
    back: bool


def lay_out(playbook: Playbook) -> Layout:
    """Places every task, also those that no branch leads to. The same playbook always gives the same picture."""
    ids = list(playbook.tasks)
    edges = [
        (task_id, target, label)
        for task_id, task in playbook.tasks.items()
        for label, targets in task.next.items()
        for target in targets
        if target in playbook.tasks
    ]
    backward = _backward(ids, edges, playbook.start)
    depth = _depths(ids, edges, backward)
    chains = [_chain(edge, index, depth, index in backward) for index, edge in enumerate(edges)]
    layers = _ordered(_layers(ids, depth, chains), _neighbours(chains))
    return _placed(layers, chains, ids)


def _backward(ids: Sequence[str], edges: Sequence[tuple[str, str, str]], start: str) -> frozenset[int]:
    """Indexes of the edges that close a circle, seen from the start."""
    out: dict[str, list[tuple[int, str]]] = {task_id: [] for task_id in ids}
    for index, (source, target, _) in enumerate(edges):
        out[source].append((index, target))
    found: set[int] = set()
    done: set[str] = set()
    for root in (start, *ids):
        walk = [] if root in done else [(root, iter(out[root]))]
        on_way = {root}
        while walk:
            task_id, targets = walk[-1]
            step = next(targets, None)
            if step is None:
                walk.pop()
                on_way.discard(task_id)
                done.add(task_id)
            elif step[1] in on_way:
                found.add(step[0])
            elif step[1] not in done:
                on_way.add(step[1])
                walk.append((step[1], iter(out[step[1]])))
    return frozenset(found)


def _depths(ids: Sequence[str], edges: Sequence[tuple[str, str, str]], backward: frozenset[int]) -> dict[str, int]:
    """The layer of each task: below everything that leads to it."""
    depth = dict.fromkeys(ids, 0)
    forward = [(source, target) for index, (source, target, _) in enumerate(edges) if index not in backward]
    changed = True
    while changed:
        changed = False
        for source, target in forward:
            if depth[target] <= depth[source]:
                depth[target], changed = depth[source] + 1, True
    return depth


def _chain(edge: tuple[str, str, str], index: int, depth: Mapping[str, int], back: bool) -> _Chain:
    source, target, label = edge
    upper, lower = (target, source) if back else (source, target)
    passages = [(f"line {index}", layer) for layer in range(depth[upper] + 1, depth[lower])]
    return _Chain(source, target, label, ((upper, 0), *passages, (lower, 0)), back)


def _layers(ids: Sequence[str], depth: Mapping[str, int], chains: Sequence[_Chain]) -> list[list[Key]]:
    layers: list[list[Key]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for task_id in ids:
        layers[depth[task_id]].append((task_id, 0))
    for chain in chains:
        for key in chain.keys[1:-1]:
            layers[key[1]].append(key)
    return layers


def _neighbours(chains: Sequence[_Chain]) -> tuple[dict[Key, list[Key]], dict[Key, list[Key]]]:
    """The keys above and below each key."""
    above: dict[Key, list[Key]] = {}
    below: dict[Key, list[Key]] = {}
    for chain in chains:
        for upper, lower in itertools.pairwise(chain.keys):
            above.setdefault(lower, []).append(upper)
            below.setdefault(upper, []).append(lower)
    return above, below


def _ordered(layers: list[list[Key]], around: tuple[dict[Key, list[Key]], dict[Key, list[Key]]]) -> list[list[Key]]:
    """The layers with few crossings: each sorted by the mean place of its neighbours, down and up again."""
    above, below = around
    best, fewest = layers, _crossings(layers, below)
    for sweep in range(_SWEEPS):
        layers = [list(layer) for layer in layers]
        down = sweep % 2 == 0
        for index in range(1, len(layers)) if down else range(len(layers) - 2, -1, -1):
            other = layers[index - 1 if down else index + 1]
            place = {key: position for position, key in enumerate(other)}
            layers[index] = _by_mean(layers[index], above if down else below, place)
        count = _crossings(layers, below)
        if count < fewest:
            best, fewest = layers, count
    return best


def _by_mean(layer: Sequence[Key], around: Mapping[Key, Sequence[Key]], place: Mapping[Key, int]) -> list[Key]:
    def mean(position: int) -> float:
        places = [place[key] for key in around.get(layer[position], ()) if key in place]
        return sum(places) / len(places) if places else float(position)

    return [layer[position] for position in sorted(range(len(layer)), key=lambda index: (mean(index), index))]


def _crossings(layers: Sequence[Sequence[Key]], below: Mapping[Key, Sequence[Key]]) -> int:
    count = 0
    for upper, lower in itertools.pairwise(layers):
        place = {key: position for position, key in enumerate(lower)}
        ends = [sorted(place[key] for key in below.get(item, ()) if key in place) for item in upper]
        flat = [(index, end) for index, found in enumerate(ends) for end in found]
        count += sum(
            1
            for i, (first, end) in enumerate(flat)
            for second, other in flat[i + 1 :]
            if first < second and end > other
        )
    return count


def _placed(layers: Sequence[Sequence[Key]], chains: Sequence[_Chain], ids: Sequence[str]) -> Layout:
    known = set(ids)
    across = _across(layers, _neighbours(chains), known)
    row = {key: index for index, layer in enumerate(layers) for key in layer}
    left = min((x - _width(key, known) / 2 for key, x in across.items()), default=0.0)
    centre = {key: (across[key] - left, row[key] * (HEIGHT + BELOW) + HEIGHT / 2) for key in across}
    boxes = {task_id: Box(*centre[(task_id, 0)]) for task_id in ids}
    lines = tuple(_line(chain, centre) for chain in chains)
    width = max((centre[key][0] + _width(key, known) / 2 for key in centre), default=0.0)
    return Layout(boxes, lines, width, len(layers) * (HEIGHT + BELOW) - (BELOW if layers else 0))


def _line(chain: _Chain, centre: Mapping[Key, tuple[float, float]]) -> Line:
    half = HEIGHT / 2
    points: list[tuple[float, float]] = []
    for index, key in enumerate(chain.keys):
        x, y = centre[key]
        first, last = index == 0, index == len(chain.keys) - 1
        if not first:
            points.append((x, y - half))
        if not last:
            points.append((x, y + half))
    return Line(chain.source, chain.target, chain.label, tuple(reversed(points) if chain.back else points))


def _across(
    layers: Sequence[Sequence[Key]], around: tuple[dict[Key, list[Key]], dict[Key, list[Key]]], known: set[str]
) -> dict[Key, float]:
    """The x of every key: near the mean of its neighbours, no closer to its layer than its width allows."""
    x: dict[Key, float] = {}
    pulls = {key: _pulls(key, around, known) for layer in layers for key in layer}
    for layer in layers:
        x.update(zip(layer, _packed([0.0] * len(layer), [1.0] * len(layer), layer, known), strict=True))
    for pull in range(_PULLS):
        down = pull % 2 == 0
        for layer in layers if down else reversed(layers):
            weights = [sum(pull for _, pull in pulls[key]) or 1.0 for key in layer]
            wanted = [
                sum(x[other] * pull for other, pull in pulls[key]) / weight if pulls[key] else x[key]
                for key, weight in zip(layer, weights, strict=True)
            ]
            x.update(zip(layer, _packed(wanted, weights, layer, known), strict=True))
    return x


def _pulls(
    key: Key, around: tuple[dict[Key, list[Key]], dict[Key, list[Key]]], known: set[str]
) -> list[tuple[Key, float]]:
    """The neighbours of a key, and how hard each pulls: hard within a line, and where one task follows one other."""
    above, below = around
    found = []
    for mine, theirs in ((above, below), (below, above)):
        for other in mine.get(key, ()):
            passages = (key[0] not in known) + (other[0] not in known)
            alone = len(mine[key]) == 1 and len(theirs[other]) == 1
            found.append((other, _STRAIGHT if passages == 2 or (alone and not passages) else 1.0 + passages))
    return found


def _packed(wanted: Sequence[float], weights: Sequence[float], layer: Sequence[Key], known: set[str]) -> list[float]:
    """The places nearest to the wanted ones (least squares) that keep order and distances, by pooling neighbours."""
    offsets = [0.0]
    for first, second in itertools.pairwise(layer):
        offsets.append(offsets[-1] + (_width(first, known) + _width(second, known)) / 2 + BETWEEN)
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many
    for place, weight, offset in zip(wanted, weights, offsets, strict=False):
        pool = (place - offset, weight, 1)
        while pools and pools[-1][0] > pool[0]:
            mean, heavy, many = pools.pop()
            total = heavy + pool[1]
            pool = ((mean * heavy + pool[0] * pool[1]) / total, total, many + pool[2])
        pools.append(pool)
    means = [mean for mean, _, many in pools for _ in range(many)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=False)]


def _width(key: Key, known: set[str]) -> float:
    return WIDTH if key[0] in known else PASSAGE
