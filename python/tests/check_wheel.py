"""Of an environment that holds the wheel and numpy alone: the package and the program work, with no library of the system beyond the C and C++
ones. Called by scripts/wheel."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import undying

SYSTEM = r"(ld-linux-x86-64|libc|libm|libdl|librt|libpthread|libutil|libgcc_s|libstdc\+\+|libz|libffi|libcrypto|libssl|libbz2|liblzma|libuuid|libexpat|libpython\d.*)\.so"

draw = np.random.default_rng(1)
y = draw.integers(0, 3, 300)
X = (draw.normal(size=(300, 5)) + 2.0 * np.eye(3, 5)[y]).astype(np.float32)
study = undying.compare(X, y, model="mlp:16x4", activations="leaky_relu:0.1", seeds=2, epochs=3)
assert len(study.arms) == 3, study
network = undying.train(X, y, model="mlp:8x2", epochs=2).model
assert undying.diagnose(network, X, y).units == 16

own = Path(sys.prefix).resolve()
loaded = {Path(line.split()[-1]) for line in open("/proc/self/maps") if ".so" in line}
base = Path(sys.base_prefix).resolve()
foreign = [file for file in loaded if not re.match(SYSTEM, file.name) and own not in file.parents]
foreign = [file for file in foreign if base / "lib" / f"python3.{sys.version_info.minor}" not in file.parents]
assert not foreign, foreign

version = subprocess.run([own / "bin/undying", "--version"], check=True, capture_output=True, text=True).stdout
assert undying.__version__ in version, version
print(f"undying {undying.__version__} works in {own}")
