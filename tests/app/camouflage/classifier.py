"""What can be seen of an answer, in numbers; and whether that tells two servers apart."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEXADECIMAL = re.compile(r"[0-9a-f]{16,}")
UUIDS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Features = dict[str, float]
Floats = NDArray[np.float64]
Halves = tuple[Sequence[Features], Sequence[Features]]


def shape(value: Any) -> str:
    """The form of a text. Digits that are drawn at random, as in names of requests, have none but their number.

    (Which ones they are tells processes apart, two of one server as well as two servers.)
    """
    text = str(value)
    if HEXADECIMAL.fullmatch(text):
        return f"{len(text)} hexadecimal digits"
    text = UUIDS.sub("<uuid>", text)
    return re.sub(r"[0-9]+", "9", re.sub(r"[A-Za-z]+", "a", text))


def of_statement(body: Mapping[str, Any]) -> Features:
    """Numbers of a page: amounts and their digits, kinds of lines, times between them, what they carry."""
    lines: Sequence[Any] = body["lines"]
    kinds = Counter(line["type"] for line in lines)
    changes = np.array([abs(line["change"]) for line in lines if line["change"]] or [0], dtype=np.float64)
    signed = np.array([line["change"] for line in lines], dtype=np.float64)
    balances = np.array([line["balance"] for line in lines], dtype=np.float64)
    times = np.array([datetime.fromisoformat(line["recorded_at"]).timestamp() for line in lines])
    gaps = -np.diff(times) if len(times) > 1 else np.array([0.0])
    digits = Counter(str(int(change))[0] for change in changes)
    lasts = Counter(str(int(change))[-1] for change in changes)
    keys = Counter(key for line in lines for key in line["details"])
    texts = [line["details"]["reason"] for line in lines if isinstance(line["details"].get("reason"), str)]
    hours = Counter(int(moment // 3600 % 24) for moment in times)
    number = len(lines)
    found: Features = {"lines": number, "more": body.get("next") is not None, "newest": times[0], "oldest": times[-1]}
    found |= {f"kind {kind}": count / number for kind, count in kinds.items()}
    found |= {f"first digit {digit}": count / len(changes) for digit, count in digits.items()}
    found |= {f"last digit {digit}": count / len(changes) for digit, count in lasts.items()}
    found |= {f"detail {key}": count / number for key, count in keys.items()}
    found |= {f"hour {hour // 4}": count / number for hour, count in hours.items()}
    found |= {
        f"length {place}": value
        for place, value in enumerate(np.quantile([len(text) for text in texts] or [0], [0, 0.5, 1]))
    }
    for name, values in (
        ("change", changes),
        ("signed", signed),
        ("balance", balances),
        ("gap", np.log1p(np.maximum(gaps, 0))),
    ):
        found |= {f"{name} {q}": float(np.quantile(values, q)) for q in (0, 0.1, 0.25, 0.5, 0.75, 0.9, 1)}
        found |= {f"{name} mean": float(values.mean()), f"{name} deviation": float(values.std())}
    return found


def matrix(samples: Sequence[Features], names: Sequence[str] | None = None) -> tuple[Floats, list[str]]:
    """Features as columns; one that a sample lacks is 0."""
    columns = sorted({name for sample in samples for name in sample}) if names is None else list(names)
    return np.array([[float(sample.get(name, 0.0)) for name in columns] for sample in samples]), columns


def auc(learned: Halves, held: Halves, seed: int = 0) -> tuple[float, list[tuple[float, str]]]:
    """Area under the curve where it has not learned, of two classifiers together, and what the first one went by.

    Given are answers of the real server and of the decoy, to learn from and to be judged by.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.metrics import roc_auc_score
    from threadpoolctl import threadpool_limits

    learn, names = matrix([*learned[0], *learned[1]])
    hold, _ = matrix([*held[0], *held[1]], names)
    labels, truth = (np.repeat([0, 1], [len(real), len(decoy)]) for real, decoy in (learned, held))
    said = np.zeros(len(hold))
    forest = RandomForestClassifier(200, min_samples_leaf=5, random_state=seed, n_jobs=1)
    # Of one thread: several that share cores with other work wait for each other, three times as long.
    with threadpool_limits(1):
        for model in (forest, HistGradientBoostingClassifier(max_iter=100, random_state=seed)):
            model.fit(learn, labels)
            said += model.predict_proba(hold)[:, 1]
    ranked = sorted(zip(forest.feature_importances_, names, strict=True), reverse=True)
    return float(roc_auc_score(truth, said)), [(round(float(weight), 3), name) for weight, name in ranked[:12]]
