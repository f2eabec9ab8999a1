"""Signals of who pulls at the embeddings: the head's cross-entropy or the SR/HR term."""

from __future__ import annotations

import torch
from torch import Tensor


def contrastive_share(
    z_BD: Tensor,
    w_CD: Tensor,
    loss_logits_BC: Tensor,
    labels_B: Tensor,
    same_image_B: Tensor,
    *,
    s_eff: float,
    weight: float,
) -> Tensor:
    """Share of the SR/HR term in the gradient that reaches the embeddings' directions, pull / (pull + push).

    Range 0 to 1. push = mean ||s/T (p - y) W, without its part along z||, p being the softmax of the logits with
    margin (the slope of the margin itself, between 1 and 2, is left out); pull = weight x mean sin(SR, HR). Well
    above a half, the term that only pulls together decides where embeddings go.
    """
    residual_BC = torch.softmax(loss_logits_BC, dim=1)
    residual_BC.scatter_add_(1, labels_B[:, None], -torch.ones_like(residual_BC[:, :1]))
    push_BD = s_eff * residual_BC @ w_CD
    push_BD = push_BD - (push_BD * z_BD).sum(dim=1, keepdim=True) * z_BD
    push = torch.linalg.vector_norm(push_BD, dim=1).mean()
    pull = weight * (1.0 - same_image_B.square()).clamp_min(0.0).sqrt().mean()
    share: Tensor = pull / (pull + push)
    return share
