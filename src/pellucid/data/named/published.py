"""The published files of the data sets that are downloaded: where they are served, how long they are, their checksums.

The checksums were computed from files whose md5 is the one their authors publish (MNIST, Fashion-MNIST, CIFAR-10),
or from the authors' own repositories (tiny Shakespeare, names). Every mirror serves the same bytes or is not used.
"""

from pellucid.data.named.download import RemoteFile

_MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://sagemaker-sample-files.s3.amazonaws.com/datasets/image/MNIST/",
)
_FASHION_MNIST_MIRRORS = (
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
)
_CIFAR10_MIRRORS = (
    "https://www.cs.toronto.edu/~kriz/",
    "https://cave.cs.toronto.edu/kriz/",
    "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/",
    "https://apache-mxnet.s3-accelerate.dualstack.amazonaws.com/gluon/dataset/cifar10/",
)
_NAMES_MIRRORS = (
    "https://raw.githubusercontent.com/spro/practical-pytorch/master/data/names/",
    "https://cdn.jsdelivr.net/gh/spro/practical-pytorch@master/data/names/",
)


def _file(folder: str, name: str, mirrors: tuple[str, ...], size: int, checksum: str) -> RemoteFile:
    return RemoteFile(f"{folder}/{name}", tuple(mirror + name for mirror in mirrors), size, checksum)


# LeCun, Cortes and Burges; CC BY-SA 3.0
MNIST = {
    name: _file("mnist", name, _MNIST_MIRRORS, size, "sha256:" + sha256)
    for name, size, sha256 in (
        ("train-images-idx3-ubyte.gz", 9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        ("train-labels-idx1-ubyte.gz", 28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        ("t10k-images-idx3-ubyte.gz", 1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        ("t10k-labels-idx1-ubyte.gz", 4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    )
}

# Xiao, Rasul and Vollgraf 2017; MIT
FASHION_MNIST = {
    name: _file("fashion-mnist", name, _FASHION_MNIST_MIRRORS, size, "sha256:" + sha256)
    for name, size, sha256 in (
        ("train-images-idx3-ubyte.gz", 26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        ("t10k-images-idx3-ubyte.gz", 4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        ("train-labels-idx1-ubyte.gz", 29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        ("t10k-labels-idx1-ubyte.gz", 5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    )
}

# Krizhevsky 2009; the page publishes the md5
CIFAR10 = _file(
    "cifar10", "cifar-10-binary.tar.gz", _CIFAR10_MIRRORS, 170_052_171, "md5:c32a1d4ab5d03f1284b67883e8d87530"
)

# Karpathy's char-rnn; the text is in the public domain
TINY_SHAKESPEARE = RemoteFile(
    "tinyshakespeare/input.txt",
    (
        "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
        "https://storage.googleapis.com/download.tensorflow.org/data/shakespeare.txt",
        "https://cdn.jsdelivr.net/gh/karpathy/char-rnn@master/data/tinyshakespeare/input.txt",
    ),
    1_115_394,
    "sha256:86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
)

# Robertson's practical-pytorch; MIT
NAMES = {
    name: _file("names", name, _NAMES_MIRRORS, size, "sha256:" + sha256)
    for name, size, sha256 in (
        ("Arabic.txt", 13_190, "6f424a8dbe51cbbbabab7a57d38b617210125e4e3991f3c657cb79b8f104bafc"),
        ("Chinese.txt", 1_246, "09ba8f1f7e38dbc99372d461b26ad4433b811fc6bfa6a3ecca6fe11a9a777465"),
        ("Czech.txt", 3_916, "e17ab0ec47616a72c39cb85c783f70c3663ab64488721e5d8378f146d2226be7"),
        ("Dutch.txt", 2_351, "924f32b635170eae561f84538632138fc07d4c8bbd70ba3fb980de1ecc4d2af3"),
        ("English.txt", 27_125, "9cca037066d3d5989e24bc01801416162de506b5e28e15b7c092a47905d29bf2"),
        ("French.txt", 2_178, "81e65b36c60ed5b89a17422f6edcadbb89546f38ad69e960e64e7ba682012a95"),
        ("German.txt", 5_610, "7449cd590b97a733e18d613a4155decd77ec35dc5f8aadd7a82204dce4f051db"),
        ("Greek.txt", 1_981, "3555b5186de7f401e6d991b088e9e644ca3099116477818c25ab5793801389e6"),
        ("Irish.txt", 1_858, "cf8c7013256252a88d2503127b87282a11f21b2ff6db1bded68834c19a1ec058"),
        ("Italian.txt", 5_657, "f88414c27d0606a11a678b4859277828c2565d6cc4d9ee932deef6e94f3b35e4"),
        ("Japanese.txt", 7_622, "e0e717e114fec3e7eade4d9dabe0067c475f43147e36a22b47902ee76ad9e67f"),
        ("Korean.txt", 423, "cd54221ccb362a6cba4c78828838cf3268a0e59744767a37cf6ec4b74036b136"),
        ("Polish.txt", 1_165, "45bab898af2f60ed3a728bbf6980e28821011a7caa53227553b5785903a40826"),
        ("Portuguese.txt", 554, "50a8735f41f4f73757c8ce5b16cb0275cd86b2b214bcbc8c9805f508cb131c53"),
        ("Russian.txt", 85_168, "0cfe53ac18041e8f63666aa77313e0a3ff378facb132abee052d8ebdc8c3d62c"),
        ("Scottish.txt", 752, "78d0252711d87d948ea86fe34826c51d2d794a8e52d15b5d6f7b6244d45d62dd"),
        ("Spanish.txt", 2_284, "1bcb462ed3316756a85781d68232bddae04498fdddd5d9219c53fd1fbdeba7a7"),
        ("Vietnamese.txt", 339, "f3f9e4164ab47601178a6e45b216464a64122f49d05541f24bf18a757253281d"),
    )
}
