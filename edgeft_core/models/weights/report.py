"""What became of every tensor: the account that a run keeps of its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Kind = Literal["missing", "unexpected", "wrong_shape", "wrong_dtype", "non_finite"]
KIND_WORDS: dict[Kind, str] = {
    "missing": "missing",
    "unexpected": "unexpected",
    "wrong_shape": "of another shape",
    "wrong_dtype": "of another type",
    "non_finite": "with NaN or Inf",
}
MODULES_SHOWN = 24


@dataclass(frozen=True)
class TensorProblem:
    """One tensor that was not loaded.

    Attributes:
        key: the network's name of it; the file's name where it is unexpected.
        expected: shape or type in the network, in words; empty where it has none.
        found: the same in the file.
    """

    key: str
    kind: Kind
    module: str
    expected: str = ""
    found: str = ""


@dataclass(frozen=True)
class ModuleAccount:
    """One stage, block or layer.

    Attributes:
        tensors: of the network in this module.
        matched: of these, loaded.
        parameters: numbers in those tensors.
        parameters_matched: of these, loaded.
        problems: count per kind.
    """

    module: str
    tensors: int
    matched: int
    parameters: int
    parameters_matched: int
    problems: Mapping[str, int]

    def sentence(self) -> str:
        """``stages.1.blocks.0: 3 of 17 tensors loaded; 14 missing, 12 unexpected``."""
        loaded = f"{self.matched} of {self.tensors} tensors loaded" if self.tensors else "not in the network"
        counts = ", ".join(f"{n} {KIND_WORDS[kind]}" for kind, n in self.problems.items())  # type: ignore[index]
        return f"{self.module}: {loaded}; {counts}"


@dataclass(frozen=True)
class WeightsReport:
    """Where a backbone's weights came from and what became of every tensor.

    Attributes:
        source: ``demo``, ``none``, ``timm`` or the path of the file.
        file_format: ``safetensors``, ``torch`` or ``TorchScript``; empty without a file.
        wrapping: what was around the tensors: entries (``state_dict``), then name prefixes (``module.``).
        dtypes: tensors of the file per type, e.g. ``{"float16": 176}``; all are loaded as float32.
        multiplied: layers that are the product of two low-rank factors of the file.
        modules: the account by stage, block or layer; the totals below are sums over it.
        problems: every tensor that was not loaded.
        likely_cause: in words, with what to do; empty where all is well.
        cautions: sentences for the run that are not about single tensors.
    """

    source: str
    backbone: str
    modules: tuple[ModuleAccount, ...]
    problems: tuple[TensorProblem, ...] = ()
    likely_cause: str = ""
    cautions: tuple[str, ...] = ()
    file_format: str = ""
    size_bytes: int = 0
    sha256: str = ""
    wrapping: tuple[str, ...] = ()
    dtypes: Mapping[str, int] = field(default_factory=dict)
    multiplied: int = 0

    @property
    def tensors(self) -> int:
        """Tensors of the network."""
        return sum(module.tensors for module in self.modules)

    @property
    def matched(self) -> int:
        """Of these, loaded."""
        return sum(module.matched for module in self.modules)

    @property
    def parameters(self) -> int:
        """Numbers in the network's tensors."""
        return sum(module.parameters for module in self.modules)

    @property
    def parameters_matched(self) -> int:
        """Of these, loaded."""
        return sum(module.parameters_matched for module in self.modules)

    @property
    def complete(self) -> bool:
        """Whether all that was asked for was loaded (``none`` asks for nothing)."""
        return not self.problems

    @property
    def random_share(self) -> float:
        """Share of the network's parameters that are random; 1 for ``none``."""
        return 1.0 - self.parameters_matched / self.parameters

    def count(self, kind: Kind) -> int:
        """Tensors with this problem."""
        return sum(problem.kind == kind for problem in self.problems)

    def summary(self) -> str:
        """One sentence."""
        if self.source == "none":
            return f"{self.backbone} starts from random weights ({self.parameters:,} parameters)."
        origin = f"{self.source} ({self.file_format})" if self.file_format else self.source
        if not self.problems:
            share = "" if self.matched == self.tensors else f" of {self.tensors}"
            products = f", {self.multiplied} as products of low-rank factors" if self.multiplied else ""
            return f"{self.matched}{share} tensors of {self.backbone} were loaded from {origin}{products}."
        counts = ", ".join(
            f"{self.count(kind)} {words}" for kind, words in KIND_WORDS.items() if self.count(kind)
        )
        return (
            f"{origin} does not fit {self.backbone}: {self.matched} of {self.tensors} tensors "
            f"({1 - self.random_share:.0%} of its parameters) match; {counts}."
        )

    def warnings(self) -> tuple[str, ...]:
        """Sentences that stay with the run for good; empty where all is well."""
        if not self.problems:
            return self.cautions
        rest = "the network has all it needs" if self.random_share == 0.0 else "what did not match is random"
        went_on = f"The run went on because backbone.allow_partial is on; {rest}."
        cause = f"Likely cause: {self.likely_cause}" if self.likely_cause else ""
        return (" ".join(filter(None, (self.summary(), cause, went_on))), *self.cautions)

    def explanation(self) -> str:
        """The whole story for an error: summary, likely cause, list by module, and the way out."""
        rows = [f"  {account.sentence()}" for account in self.modules if account.problems]
        if len(rows) > MODULES_SHOWN:
            rows = [*rows[:MODULES_SHOWN], f"  and {len(rows) - MODULES_SHOWN} more modules"]
        cause = [f"Likely cause: {self.likely_cause}"] if self.likely_cause else []
        out = "To go on all the same, with what does not match left random: backbone.allow_partial=true"
        return "\n".join([self.summary(), *cause, "By module:", *rows, out])

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain data for JSON."""
        return {
            **asdict(self),
            "tensors": self.tensors,
            "matched": self.matched,
            "parameters": self.parameters,
            "parameters_matched": self.parameters_matched,
            "complete": self.complete,
            "random_share": self.random_share,
            "summary": self.summary(),
            "warnings": list(self.warnings()),
        }
