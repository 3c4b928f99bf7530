#!/usr/bin/python3
"""The PyTorch twin of `limen-cli bench gan`: the same network, the same steps, timed.

usage: torch_gan.py [--threads N] [--repeats N] [--layout nchw|channels_last] [--only PART]

Prints one JSON line: medians in milliseconds. Written to be fast, not to be a strawman:
 - a 1x1 convolution commutes with nearest upsampling and with average pooling (both exactly), so
   the shortcuts run it on the small side;
 - conditional batch norm is one addcmul behind the normalisation, and a single addcmul in eval
   mode, where the running statistics fold into gain and bias;
 - the eval-mode generator holds its weights already divided by sigma, and its time is the better
   of eager mode and of a frozen trace optimised for inference;
 - each spectral norm is two matrix-vector products and one division per forward.

Network (BigGAN 32 px, Brock et al. 2019; attention of Zhang et al. 2019 as released): see the
classes below; G_ch = D_ch = 32, 10 classes, z of 128 in 4 chunks, shared embedding of 128.
"""
import argparse
import json
import os
import platform
import statistics
import sys
import time


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--threads", type=int, default=1, help="threads of the CPU kernels (default 1)")
    p.add_argument("--repeats", type=int, default=5, help="timed steps, of which the median counts")
    p.add_argument("--layout", choices=["nchw", "channels_last"], default="nchw",
                   help="memory order of activations and weights")
    p.add_argument("--only", choices=["forward", "d", "g"], help="time one part only")
    p.add_argument("--profile", action="store_true", help="print where each step spends its time")
    return p.parse_args()


ARGS = parse_arguments()
# Both are read when the libraries load.
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(ARGS.threads)

import torch  # noqa: E402
import torch.nn as nn  # noqa: E402
import torch.nn.functional as F  # noqa: E402

CLASSES, CHANNELS, CH, Z, CHUNK, SHARED, BATCH = 10, 3, 32, 128, 32, 128, 64
BN_EPS = SN_EPS = 1e-4


class SpectralNormed(nn.Module):
    """A weight divided by its largest singular value: one power step per training forward."""

    def __init__(self, shape, bias):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape))
        nn.init.orthogonal_(self.weight)
        self.bias = nn.Parameter(torch.zeros(shape[0])) if bias else None
        self.register_buffer("u", F.normalize(torch.randn(shape[0]), dim=0))
        self.register_buffer("v", F.normalize(torch.randn(self.weight[0].numel()), dim=0))
        self.baked = None

    def normed(self):
        if self.baked is not None:
            return self.baked
        w = self.weight.flatten(1)
        if self.training:
            with torch.no_grad():
                self.v = F.normalize(torch.mv(w.t(), self.u), dim=0, eps=SN_EPS)
                self.u = F.normalize(torch.mv(w, self.v), dim=0, eps=SN_EPS)
        return self.weight / torch.dot(self.u, torch.mv(w, self.v))

    def train(self, mode=True):
        self.baked = None
        super().train(mode)
        if not mode:
            with torch.no_grad():
                self.baked = self.normed()
        return self


class Conv(SpectralNormed):
    def __init__(self, cin, cout, size, bias=True):
        super().__init__((cout, cin, size, size), bias)
        self.padding = size // 2

    def forward(self, x):
        return F.conv2d(x, self.normed(), self.bias, padding=self.padding)


class Linear(SpectralNormed):
    def __init__(self, cin, cout, bias=True):
        super().__init__((cout, cin), bias)

    def forward(self, x):
        return F.linear(x, self.normed(), self.bias)


class Embedding(SpectralNormed):
    def __init__(self, count, size):
        super().__init__((count, size), False)

    def forward(self, y):
        return F.embedding(y, self.normed())


class ConditionalBN(nn.Module):
    """BN(x) * (1 + W_gain cond) + W_bias cond."""

    def __init__(self, channels, condition):
        super().__init__()
        self.gain = Linear(condition, channels, bias=False)
        self.bias = Linear(condition, channels, bias=False)
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x, cond):
        gain, bias = 1 + self.gain(cond), self.bias(cond)
        if self.training:
            x = F.batch_norm(x, self.running_mean, self.running_var, training=True, eps=BN_EPS)
        else:
            gain = gain * torch.rsqrt(self.running_var + BN_EPS)
            bias = bias - self.running_mean * gain
        return torch.addcmul(bias[:, :, None, None], x, gain[:, :, None, None])


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.theta = Conv(c, c // 8, 1, bias=False)
        self.phi = Conv(c, c // 8, 1, bias=False)
        self.g = Conv(c, c // 2, 1, bias=False)
        self.o = Conv(c // 2, c, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        n, c, h, w = x.shape
        theta = self.theta(x).reshape(n, c // 8, h * w)
        phi = F.max_pool2d(self.phi(x), 2).reshape(n, c // 8, h * w // 4)
        g = F.max_pool2d(self.g(x), 2).reshape(n, c // 2, h * w // 4)
        beta = torch.softmax(torch.bmm(theta.transpose(1, 2), phi), dim=-1)
        o = torch.bmm(g, beta.transpose(1, 2)).view(n, c // 2, h, w)
        return torch.addcmul(x, self.o(o), self.gamma)


class GBlock(nn.Module):
    def __init__(self, cin, cout, condition):
        super().__init__()
        self.bn1 = ConditionalBN(cin, condition)
        self.bn2 = ConditionalBN(cout, condition)
        self.conv1 = Conv(cin, cout, 3)
        self.conv2 = Conv(cout, cout, 3)
        self.conv_sc = Conv(cin, cout, 1)

    def forward(self, x, cond):
        h = F.relu_(self.bn1(x, cond))
        h = self.conv1(F.interpolate(h, scale_factor=2, mode="nearest"))
        h = self.conv2(F.relu_(self.bn2(h, cond)))
        return h.add_(F.interpolate(self.conv_sc(x), scale_factor=2, mode="nearest"))


class DBlock(nn.Module):
    def __init__(self, cin, cout, preactivation, downsample):
        super().__init__()
        self.preactivation, self.downsample = preactivation, downsample
        self.conv1 = Conv(cin, cout, 3)
        self.conv2 = Conv(cout, cout, 3)
        self.conv_sc = Conv(cin, cout, 1) if downsample or cin != cout else None

    def forward(self, x):
        h = self.conv1(F.relu(x) if self.preactivation else x)
        h = self.conv2(F.relu_(h))
        if self.downsample:
            h, x = F.avg_pool2d(h, 2), F.avg_pool2d(x, 2)
        return h + (self.conv_sc(x) if self.conv_sc is not None else x)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        c = 4 * CH
        self.shared = nn.Embedding(CLASSES, SHARED)
        nn.init.orthogonal_(self.shared.weight)
        self.linear = Linear(CHUNK, 4 * 4 * c)
        self.blocks = nn.ModuleList(GBlock(c, c, CHUNK + SHARED) for _ in range(3))
        self.attention = Attention(c)
        self.bn = nn.BatchNorm2d(c, eps=BN_EPS)
        self.conv_out = Conv(c, CHANNELS, 3)

    def forward(self, z, y):
        chunk, e = z.split(CHUNK, dim=1), self.shared(y)
        x = self.linear(chunk[0]).view(-1, 4 * CH, 4, 4)
        if ARGS.layout == "channels_last":
            x = x.contiguous(memory_format=torch.channels_last)
        for i, block in enumerate(self.blocks):
            x = block(x, torch.cat([chunk[i + 1], e], 1))
            if i == 1:
                x = self.attention(x)
        return torch.tanh(self.conv_out(F.relu_(self.bn(x))))


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        c = 4 * CH
        self.blocks = nn.ModuleList([DBlock(CHANNELS, c, False, True), DBlock(c, c, True, True),
                                     DBlock(c, c, True, False), DBlock(c, c, True, False)])
        self.attention = Attention(c)
        self.linear = Linear(c, 1)
        self.embed = Embedding(CLASSES, c)

    def forward(self, x, y):
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i == 0:
                x = self.attention(x)
        h = F.relu(x).sum((2, 3))
        return self.linear(h).squeeze(1) + (self.embed(y) * h).sum(1)


def median_ms(step, repeats):
    for _ in range(1 if repeats <= 5 else 3):  # allocator, kernel caches
        step()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    if ARGS.profile:
        with torch.profiler.profile() as prof:
            step()
        print(prof.key_averages().table(sort_by="self_cpu_time_total", row_limit=25),
              file=sys.stderr)
    return round(1e3 * statistics.median(times), 3)


def main():
    torch.set_num_threads(ARGS.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    G, D = Generator(), Discriminator()
    real = torch.rand(BATCH, CHANNELS, 32, 32) * 2 - 1
    if ARGS.layout == "channels_last":
        G, D = G.to(memory_format=torch.channels_last), D.to(memory_format=torch.channels_last)
        real = real.contiguous(memory_format=torch.channels_last)
    real_y = torch.randint(CLASSES, (BATCH,))
    opt_g = torch.optim.Adam(G.parameters(), lr=1e-4, betas=(0.0, 0.999))
    opt_d = torch.optim.Adam(D.parameters(), lr=4e-4, betas=(0.0, 0.999))

    def draw(n):
        return torch.randn(n, Z), torch.randint(CLASSES, (n,))

    def discriminator_step():
        z, y = draw(BATCH)
        with torch.no_grad():
            fake = G(z, y)
        opt_d.zero_grad(set_to_none=True)
        out_fake, out_real = D(torch.cat([fake, real]), torch.cat([y, real_y])).split(BATCH)
        loss = F.relu(1 - out_real).mean() + F.relu(1 + out_fake).mean()
        loss.backward()
        opt_d.step()

    def generator_step():
        z, y = draw(BATCH)
        opt_g.zero_grad(set_to_none=True)
        loss = -D(G(z, y), y).mean()
        loss.backward()
        opt_g.step()

    result = {"name": "pytorch", "version": torch.__version__, "threads": ARGS.threads,
              "layout": ARGS.layout, "machine": platform.machine(),
              "generator_parameters": sum(p.numel() for p in G.parameters()),
              "discriminator_parameters": sum(p.numel() for p in D.parameters())}
    if ARGS.only in (None, "d"):
        result["discriminator_step_ms"] = median_ms(discriminator_step, ARGS.repeats)
    if ARGS.only in (None, "g"):
        D.requires_grad_(False)
        result["generator_step_ms"] = median_ms(generator_step, ARGS.repeats)
        D.requires_grad_(True)
    if ARGS.only in (None, "forward"):
        G.eval()
        result["generator_forward_ms"], result["generator_forward_by"] = {}, {}
        for n in (1, 16, 64):
            z, y = draw(n)
            repeats = ARGS.repeats * (10 if n == 1 else 2 if n == 16 else 1)
            with torch.inference_mode():
                best, by = median_ms(lambda: G(z, y), repeats), "eager"
            with torch.no_grad():
                frozen = torch.jit.optimize_for_inference(
                    torch.jit.freeze(torch.jit.trace(G, (z, y), check_trace=False)))
                ms = median_ms(lambda: frozen(z, y), repeats)
                if ms < best:
                    best, by = ms, "frozen trace"
            result["generator_forward_ms"][str(n)] = best
            result["generator_forward_by"][str(n)] = by
    print(json.dumps(result))


if __name__ == "__main__":
    main()
