"""The work of the benchmark in PyTorch: SimCLR on slices, timm's vision transformer, eager float32.

Called with one argument, a JSON object with the settings of work.ts and `timm_model`, `threads` and `device`. Speaks the
lines of block.ts. The augmentations are those of slice-views.ts (crop and mirror, blur, window, noise) as tensor
operations on the batch.
"""

import json
import math
import resource
import sys
import time

import timm
import torch
import torch.nn.functional as F

work = json.loads(sys.argv[1])
if work["device"] == "cpu":
    torch.set_num_threads(work["threads"])
device = torch.device(work["device"])
size = work["imageSizePixels"]
batch = work["batch"]
torch.manual_seed(0)


def answer(message):
    print("@" + json.dumps(message), flush=True)


def blur_matrix(deviation):
    """A row of pixels times this is the row convolved with a Gaussian, mirrored at the edges."""
    radius = math.ceil(3 * deviation)
    taps = torch.exp(-(torch.arange(-radius, radius + 1).float() ** 2) / (2 * deviation**2))
    taps /= taps.sum()
    matrix = torch.zeros(size, size)
    period = 2 * (size - 1)
    for column in range(size):
        for offset, tap in enumerate(taps.tolist()):
            source = (column + offset - radius) % period
            matrix[min(source, period - source), column] += tap
    return matrix.to(device)


blur = blur_matrix(0.02 * size)


def uniform(count, low, high):
    return low + (high - low) * torch.rand(count, device=device)


def views_of(slices):
    """[n, 1, size, size] -> [2n, 1, size, size], the first views first."""
    x = torch.cat([slices, slices])
    count = x.shape[0]
    area, ratio = uniform(count, 0.6, 1.0), torch.exp(uniform(count, -math.log(4 / 3), math.log(4 / 3)))
    width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    mirror = torch.where(torch.rand(count, device=device) < 0.5, -1.0, 1.0)
    transform = torch.zeros(count, 2, 3, device=device)
    transform[:, 0, 0], transform[:, 1, 1] = width * mirror, height
    transform[:, 0, 2], transform[:, 1, 2] = uniform(count, -1, 1) * (1 - width), uniform(count, -1, 1) * (1 - height)
    x = F.grid_sample(x, F.affine_grid(transform, list(x.shape), align_corners=False), align_corners=False)
    share = (uniform(count, 0, 1) * (torch.rand(count, device=device) < 0.5)).view(-1, 1, 1, 1)
    x = torch.lerp(x, blur.T @ (x @ blur), share)
    jittered = torch.rand(count, device=device) < 0.8
    gain = torch.where(jittered, 1.2 ** uniform(count, -1, 1), 1.0)
    offset = torch.where(jittered, 0.5 - gain * (0.5 + uniform(count, -0.05, 0.05)), 0.0)
    x = x * gain.view(-1, 1, 1, 1) + offset.view(-1, 1, 1, 1)
    x = x + torch.randn_like(x) * uniform(count, 0, 0.05).view(-1, 1, 1, 1)
    return x.clamp(0, 1)


class SimClr(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = timm.create_model(work["timm_model"], in_chans=1, num_classes=0, img_size=size)
        width = self.encoder.num_features
        self.head = torch.nn.Sequential(
            torch.nn.Linear(width, width),
            torch.nn.BatchNorm1d(width, affine=False, track_running_stats=False),
            torch.nn.ReLU(),
            torch.nn.Linear(width, work["projectionWidth"]),
            torch.nn.BatchNorm1d(work["projectionWidth"], affine=False, track_running_stats=False),
        )

    def forward(self, x):
        return self.head(self.encoder((x - 0.5) / 0.5))


def nt_xent(z):
    count = z.shape[0] // 2
    z = F.normalize(z)
    logits = z @ z.T / work["temperature"]
    logits.fill_diagonal_(float("-inf"))
    partners = torch.cat([torch.arange(count, 2 * count), torch.arange(count)]).to(device)
    return F.cross_entropy(logits, partners)


model = SimClr().to(device).train()
optimiser = torch.optim.AdamW(
    model.parameters(),
    lr=work["learningRate"],
    betas=(work["beta1"], work["beta2"]),
    weight_decay=work["weightDecay"],
)
images = torch.rand(batch, 1, size, size, device=device)


def step():
    optimiser.zero_grad(set_to_none=True)
    loss = nt_xent(model(views_of(images)))
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), work["clipNorm"])
    optimiser.step()
    return loss.item()


def block(at_least_seconds):
    start = time.perf_counter()
    slices, seconds = 0, 0.0
    while seconds < at_least_seconds:
        step()
        slices += batch
        seconds = time.perf_counter() - start
    return {"slices": slices, "seconds": seconds}


step()
step()
answer(
    {
        "ready": True,
        "description": f"PyTorch {torch.__version__}, timm {timm.__version__}, eager float32",
        "threads": torch.get_num_threads() if work["device"] == "cpu" else None,
        "device": torch.cuda.get_device_name() if work["device"] == "cuda" else work["device"],
    }
)
for line in sys.stdin:
    request, *arguments = line.split()
    if request == "block":
        answer(block(float(arguments[0])))
    if request == "memory":
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        answer({"peakResidentBytes": peak * (1 if sys.platform == "darwin" else 1024)})
