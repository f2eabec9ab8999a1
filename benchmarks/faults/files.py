"""Damage to files: pictures, folders and weights, as failed conversions and hurried scripts leave them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.faults.ground import write
from edgeft_core.data.images import IntArray, Pixels
from edgeft_core.models.edgeface import edgeface_xxs
from edgeft_core.models.low_rank import factor_linears

Tensors = dict[str, Tensor]
Damage = Callable[[Tensors], Tensors]
Work = Callable[[Path, Path], None]
Paint = Callable[[Pixels, int], Pixels]


def people_in(folder: Path) -> list[Path]:
    """Folders of people, in the order of their names."""
    return sorted(path for path in folder.iterdir() if path.is_dir())


def pictures_of(person: Path) -> list[Path]:
    return sorted(path for path in person.iterdir() if path.is_file())


def repainted(paint: Paint) -> Work:
    """Every picture saved anew; ``paint`` gets its pixels (height, width, 3) and its number."""

    def work(good: Path, target: Path) -> None:
        for number, (person, picture) in enumerate(_all(good)):
            pixels = np.asarray(Image.open(picture).convert("RGB"))
            write(target / person.name / f"{picture.stem}.png", paint(pixels, number))

    return work


def black(pixels: Pixels, _: int) -> Pixels:
    return np.zeros_like(pixels)


def black_by(share: float) -> Paint:
    """A part of the pictures black, spread over all people."""

    def paint(pixels: Pixels, number: int) -> Pixels:
        return np.zeros_like(pixels) if (number * 0.6180339887) % 1.0 < share else pixels

    return paint


def placeholder(pixels: Pixels, _: int) -> Pixels:
    """The same grey gradient for everybody."""
    ramp = np.linspace(90, 160, pixels.shape[0], dtype=np.uint8)
    return np.broadcast_to(ramp[:, None, None], pixels.shape).copy()


def saved_as_unit(pixels: Pixels, _: int) -> Pixels:
    """Floats of 0 to 1 saved as bytes."""
    return np.round(pixels / 255.0).astype(np.uint8)


def saved_normalised(pixels: Pixels, _: int) -> Pixels:
    """(x - mean) / std of ImageNet, saved as bytes: negative numbers wrap around."""
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    numbers: IntArray = ((pixels / 255.0 - mean) / std).astype(np.int64)
    return numbers.astype(np.uint8)


def darkened(pixels: Pixels, _: int) -> Pixels:
    """Ten-bit pictures read as if they were of eight bits: a quarter of the brightness is used."""
    return (pixels // 8).astype(np.uint8)


def shuffled_share(share: float) -> Work:
    """A part of the pictures in folders drawn by lot, as many in each as before."""

    def work(good: Path, target: Path) -> None:
        places = list(_all(good))
        random = np.random.default_rng(1)
        moved = np.flatnonzero(random.random(len(places)) < share)
        order = np.arange(len(places))
        order[moved] = random.permutation(moved)
        for number, (person, _) in enumerate(places):
            source = places[order[number]][1]
            _copy(source, target / person.name / f"{number:05d}{source.suffix}")

    return work


shuffled_names = shuffled_share(1.0)


def split(name_in_validation: Callable[[int, list[Path]], str], share: float = 0.3) -> Work:
    """``train`` and ``val``; a person's folder in ``val`` gets the name that the function gives."""

    def work(good: Path, target: Path) -> None:
        people = people_in(good)
        for number, person in enumerate(people):
            pictures = pictures_of(person)
            first = len(pictures) - max(2, round(share * len(pictures)))
            for picture in pictures[:first]:
                _copy(picture, target / "train" / person.name / picture.name)
            for picture in pictures[first:]:
                _copy(picture, target / "val" / name_in_validation(number, people) / picture.name)

    return work


def one_off(number: int, people: list[Path]) -> str:
    """The name of whoever comes next."""
    return people[(number + 1) % len(people)].name


def from_the_end(number: int, people: list[Path]) -> str:
    """The names in reverse order."""
    return people[-1 - number].name


def own_numbers(number: int, _: list[Path]) -> str:
    """Numbered anew, so that no name is shared."""
    return f"id_{number:04d}"


def skewed(frequent: int, share: float, good_share: float = 1.0) -> Work:
    """The first ``frequent`` people keep all pictures and get copies with other brightness until they have ``share``
    of all; the others keep ``good_share`` of theirs, three at least."""

    def work(good: Path, target: Path) -> None:
        people = people_in(good)
        kept = {one: pictures_of(one) for one in people}
        for person in people[frequent:]:
            kept[person] = kept[person][: max(3, round(good_share * len(kept[person])))]
        rest = sum(len(kept[person]) for person in people[frequent:])
        each = round(rest * share / (1.0 - share) / frequent)
        for person in people[frequent:]:
            for picture in kept[person]:
                _copy(picture, target / person.name / picture.name)
        for person in people[:frequent]:
            _multiplied(kept[person], target / person.name, each)

    return work


def _multiplied(pictures: list[Path], target: Path, wanted: int) -> None:
    random = np.random.default_rng(0)
    for number in range(wanted):
        pixels = np.asarray(Image.open(pictures[number % len(pictures)]).convert("RGB")).astype(np.float64)
        moved = np.roll(pixels, random.integers(-6, 7, 2), axis=(0, 1)) * random.uniform(0.8, 1.15)
        write(target / f"{number:05d}.png", np.clip(moved, 0, 255).astype(np.uint8))


def few_pictures(each: int) -> Work:
    """Only so many pictures of everybody."""

    def work(good: Path, target: Path) -> None:
        for person in people_in(good):
            for picture in pictures_of(person)[:each]:
                _copy(picture, target / person.name / picture.name)

    return work


def few_people(count: int) -> Work:
    """Only the first people."""

    def work(good: Path, target: Path) -> None:
        for person in people_in(good)[:count]:
            shutil.copytree(person, target / person.name)

    return work


def _all(folder: Path) -> Iterator[tuple[Path, Path]]:
    for person in people_in(folder):
        for picture in pictures_of(person):
            yield person, picture


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


# Weight files.


def low_rank(tensors: Tensors) -> Tensors:
    """The same network with factored linear layers, as the gamma variants are published."""
    network = edgeface_xxs()
    network.load_state_dict(tensors)
    factor_linears(network.model, 0.6, approximate=True)
    return {name: tensor.contiguous() for name, tensor in network.state_dict().items()}


def prefixed(prefix: str) -> Damage:
    """Names as a wrapper that nobody knows has left them."""
    return lambda tensors: {f"{prefix}{name}": tensor for name, tensor in tensors.items()}


def without(*parts: str) -> Damage:
    """Modules left out."""
    return lambda tensors: {
        name: tensor for name, tensor in tensors.items() if not any(part in name for part in parts)
    }


def with_nan(*parts: str) -> Damage:
    """One NaN in each tensor of these modules."""

    def damage(tensors: Tensors) -> Tensors:
        broken = {name: tensor.clone() for name, tensor in tensors.items()}
        for name, tensor in broken.items():
            if any(part in name for part in parts):
                tensor.view(-1)[0] = torch.nan
        return broken

    return damage


def redrawn(*parts: str) -> Damage:
    """Modules drawn anew and saved again: a file that is complete, and random in part."""

    def damage(tensors: Tensors) -> Tensors:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(7)
            fresh = edgeface_xxs().state_dict()
        chosen = {name for name in tensors if any(part in name for part in parts)}
        return {name: fresh[name].clone() if name in chosen else tensor for name, tensor in tensors.items()}

    return damage


def common_mode(times: float) -> Damage:
    """A bias of the embedding layer that is so many times as long as embeddings differ."""

    def damage(tensors: Tensors) -> Tensors:
        changed = dict(tensors)
        name = next(name for name in tensors if name.endswith("head.fc.bias"))
        direction = torch.nn.functional.normalize(
            torch.randn(512, generator=torch.Generator().manual_seed(3)), dim=0
        )
        weight = tensors[name.replace("bias", "weight")]
        changed[name] = tensors[name] + times * weight.norm() * direction
        return changed

    return damage
