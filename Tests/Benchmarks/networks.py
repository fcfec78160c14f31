"""The networks of the benchmarks in PyTorch, with the layers and parameter names of their published code."""

import torch
import torch.nn.functional as F
from torch import nn


def conv3x3(inputs, outputs, stride=1):
    return nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)


class SmallCNN(nn.Module):
    """The network of TRADES for MNIST."""

    def __init__(self, dropout=0.5):
        super().__init__()
        self.feature_extractor = nn.Module()
        for i, (inputs, outputs) in enumerate([(1, 32), (32, 32), (32, 64), (64, 64)], 1):
            setattr(self.feature_extractor, f"conv{i}", nn.Conv2d(inputs, outputs, 3))
        self.classifier = nn.Module()
        self.classifier.fc1 = nn.Linear(1024, 200)
        self.classifier.fc2 = nn.Linear(200, 200)
        self.classifier.fc3 = nn.Linear(200, 10)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        features, head = self.feature_extractor, self.classifier
        x = F.max_pool2d(F.relu(features.conv2(F.relu(features.conv1(x)))), 2)
        x = F.max_pool2d(F.relu(features.conv4(F.relu(features.conv3(x)))), 2)
        x = self.dropout(F.relu(head.fc1(x.flatten(1))))
        return head.fc3(F.relu(head.fc2(x)))


def mnist_net():
    """Of fast_adversarial (Wong et al. 2020)."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 4, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 4, 2, 1), nn.ReLU(), nn.Flatten(),
        nn.Linear(1568, 100), nn.ReLU(), nn.Linear(100, 10))


class PreActBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), conv3x3(inputs, outputs, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(outputs), conv3x3(outputs, outputs)
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False))

    def forward(self, x):
        a = F.relu(self.bn1(x))
        shortcut = self.shortcut(a) if hasattr(self, "shortcut") else x
        return self.conv2(F.relu(self.bn2(self.conv1(a)))) + shortcut


class PreActResNet18(nn.Module):
    """Of Rice et al. 2020."""

    def __init__(self, classes=10):
        super().__init__()
        self.conv1 = conv3x3(3, 64)
        inputs = 64
        for group, outputs in enumerate([64, 128, 256, 512]):
            stride = 1 if group == 0 else 2
            blocks = [PreActBlock(inputs, outputs, stride), PreActBlock(outputs, outputs, 1)]
            setattr(self, f"layer{group + 1}", nn.Sequential(*blocks))
            inputs = outputs
        self.bn, self.linear = nn.BatchNorm2d(512), nn.Linear(512, classes)

    def forward(self, x):
        x = self.layer4(self.layer3(self.layer2(self.layer1(self.conv1(x)))))
        return self.linear(F.adaptive_avg_pool2d(F.relu(self.bn(x)), 1).flatten(1))


class WideBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), conv3x3(inputs, outputs, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(outputs), conv3x3(outputs, outputs)
        if inputs != outputs:
            self.convShortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x):
        a = F.relu(self.bn1(x))
        shortcut = self.convShortcut(a) if hasattr(self, "convShortcut") else x
        return self.conv2(F.relu(self.bn2(self.conv1(a)))) + shortcut


class WideResNet(nn.Module):
    """Of TRADES."""

    def __init__(self, depth=28, widen=10, classes=10):
        super().__init__()
        self.conv1 = conv3x3(3, 16)
        inputs = 16
        for group in range(3):
            outputs = (16 << group) * widen
            blocks = []
            for i in range((depth - 4) // 6):
                blocks.append(WideBlock(inputs, outputs, 2 if group > 0 and i == 0 else 1))
                inputs = outputs
            block = nn.Module()
            block.layer = nn.Sequential(*blocks)
            setattr(self, f"block{group + 1}", block)
        self.bn1, self.fc = nn.BatchNorm2d(inputs), nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.block3.layer(self.block2.layer(self.block1.layer(self.conv1(x))))
        return self.fc(F.adaptive_avg_pool2d(F.relu(self.bn1(x)), 1).flatten(1))


class Bottleneck(nn.Module):
    def __init__(self, inputs, inner, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, inner, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv2, self.bn2 = conv3x3(inner, inner, stride), nn.BatchNorm2d(inner)
        self.conv3, self.bn3 = nn.Conv2d(inner, 4 * inner, 1, bias=False), nn.BatchNorm2d(4 * inner)
        self.relu = nn.ReLU(inplace=True)
        if stride != 1 or inputs != 4 * inner:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, 4 * inner, 1, stride, bias=False), nn.BatchNorm2d(4 * inner))

    def forward(self, x):
        shortcut = self.downsample(x) if hasattr(self, "downsample") else x
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        y += shortcut
        return self.relu(y)


class ResNet50(nn.Module):
    """Of torchvision (v1.5)."""

    def __init__(self, classes=1000):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        inputs = 64
        for group, count in enumerate([3, 4, 6, 3]):
            blocks = []
            for i in range(count):
                blocks.append(Bottleneck(inputs, 64 << group, 2 if group > 0 and i == 0 else 1))
                inputs = 4 * (64 << group)
            setattr(self, f"layer{group + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x)), inplace=True), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


NETWORKS = {
    # name: (constructor, image shape, classes, batch)
    "smallcnn": (SmallCNN, (1, 28, 28), 10, 128),
    "mnistnet": (mnist_net, (1, 28, 28), 10, 250),
    "wrn10_1": (lambda: WideResNet(10, 1), (3, 32, 32), 10, 250),
    "preactresnet18": (PreActResNet18, (3, 32, 32), 10, 64),
    "wrn28_10": (WideResNet, (3, 32, 32), 10, 16),
    "resnet50": (ResNet50, (3, 224, 224), 1000, 8),
}
