#!/usr/bin/env python3
"""Writes the networks that the tests of network/modelfile read, with what PyTorch makes of 16 inputs.

    python3 scripts/fixtures.py            # needs PyTorch and onnx: python3-torch and python3-onnx of Debian 12

Every network gets a few steps of training, so that biases, batch norm and learnt activations are not what they begin with. Seeds are fixed;
other versions of PyTorch may write other files, with which the tests must pass as well.
"""

import json
import os
import struct

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn import functional as F

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "network", "modelfile", "testdata")


class Square(nn.Module):
    def forward(self, x):
        return x * x


class Quadratic(nn.Module):
    """a·x² + b·x + c with learnt coefficients, for each channel or for all."""

    def __init__(self, *shape):
        super().__init__()
        self.a = nn.Parameter(torch.full(shape, 0.25))
        self.b = nn.Parameter(torch.full(shape, 0.5))
        self.c = nn.Parameter(torch.full(shape, 0.1))

    def forward(self, x):
        return self.a * x**2 + self.b * x + self.c


class MLP(nn.Module):
    """784-48-16-10 with a square written as a product and one as a power."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(784, 48), nn.Linear(48, 16), nn.Linear(16, 10)

    def forward(self, x):
        x = self.fc1(x)
        x = self.fc2(x * x)
        return self.fc3(torch.pow(x, 2))


class LeNet(nn.Module):
    """Batch norm, a quadratic for all channels and one for each, average pooling, dropout."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 4, 5, padding=2), nn.BatchNorm2d(4), Quadratic(4, 1, 1), nn.AvgPool2d(2),
            nn.Conv2d(4, 8, 5), nn.BatchNorm2d(8, eps=1e-3), Quadratic(1), nn.AvgPool2d(2))
        self.classifier = nn.Sequential(nn.Flatten(), nn.Dropout(0.2), nn.Linear(200, 32), nn.BatchNorm1d(32), Square(), nn.Linear(32, 10))

    def forward(self, x):
        return self.classifier(self.features(x))


class ReLU(nn.Module):
    """Activations that are no polynomials: ReLU, SiLU, GELU."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc1, self.fc2, self.fc3 = nn.Conv2d(1, 6, 5, stride=2), nn.Linear(864, 32), nn.Linear(32, 16), nn.Linear(16, 10)

    def forward(self, x):
        x = torch.flatten(F.relu(self.conv(x)), 1)
        x = F.silu(self.fc1(x))
        return self.fc3(F.gelu(self.fc2(x)))


class Plain(nn.Module):
    """Colour, scaled inputs, convolutions without bias, a reshaping by a computed shape, a matrix product with a sum."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, (3, 5), stride=2, bias=False)
        self.conv2 = nn.Conv2d(6, 12, (3, 5), padding=(1, 2), bias=False)
        self.w = nn.Parameter(torch.randn(12 * 7 * 7, 10) / 24)
        self.b = nn.Parameter(torch.zeros(10))

    def forward(self, x):
        x = self.conv1((x - 0.5) / 0.25)
        x = F.avg_pool2d(self.conv2(x * x) ** 2, 2)
        return x.view(x.size(0), -1) @ self.w + self.b


def fit(net, shape):
    """A few steps towards classes that a random linear map gives."""
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    truth = torch.randn(int(np.prod(shape)), 10)
    for _ in range(30):
        x = torch.rand(64, *shape) * (torch.rand(64, *shape) < 0.3)
        loss = F.cross_entropy(net(x), (x.flatten(1) @ truth).argmax(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()


def constants_as_initialisers(path):
    """Some exporters write the shapes of reshapings as int64 initialisers; PyTorch writes constants."""
    model = onnx.load(path)
    for node in [n for n in model.graph.node if n.op_type == "Constant"]:
        tensor = next(a.t for a in node.attribute if a.name == "value")
        tensor.name = node.output[0]
        model.graph.initializer.append(tensor)
        model.graph.node.remove(node)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def safetensors(path, tensors):
    """The format of https://github.com/huggingface/safetensors: length of the header, header, values."""
    header, values = {}, b""
    for name, t in tensors.items():
        content = t.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(t.shape), "data_offsets": [len(values), len(values) + len(content)]}
        values += content
    text = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + values)


def main():
    os.makedirs(FOLDER, exist_ok=True)
    for name, make, shape, dynamic in [
        ("mlp", MLP, (784,), True),
        ("lenet", LeNet, (1, 28, 28), False),
        ("relu", ReLU, (1, 28, 28), True),
        ("plain", Plain, (3, 32, 32), True),
    ]:
        torch.manual_seed(1)
        net = make()
        fit(net, shape)
        x = torch.rand(16, *shape) * (torch.rand(16, *shape) < 0.3)
        path = os.path.join(FOLDER, name)
        axes = {"input": {0: "samples"}, "output": {0: "samples"}} if dynamic else None
        torch.onnx.export(net, x if dynamic else x[:1], path + ".onnx", input_names=["input"], output_names=["output"], dynamic_axes=axes, opset_version=13,
                          training=torch.onnx.TrainingMode.PRESERVE)  # or batch norm would become part of convolutions
        onnx.checker.check_model(onnx.load(path + ".onnx"))
        if name == "plain":
            constants_as_initialisers(path + ".onnx")
        np.savez_compressed(path + "-outputs.npz", inputs=x.numpy(), outputs=net(x).detach().numpy())
        if name == "mlp":
            state = {k: v.numpy() for k, v in net.state_dict().items()}
            np.savez(path + ".npz", **state)
            safetensors(path + ".safetensors", state)
    for name in sorted(os.listdir(FOLDER)):
        size = os.path.getsize(os.path.join(FOLDER, name))
        if os.path.isfile(os.path.join(FOLDER, name)):
            print(f"{size:8d} {name}")
            assert size < 200_000, name


if __name__ == "__main__":
    main()
