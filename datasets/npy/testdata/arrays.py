"""Writes the files of this folder with NumPy: python3 arrays.py, in this folder."""

import numpy as np

grid = np.arange(24).reshape(2, 3, 4) - 5
np.savez(
    "types.npz",
    **{t: grid.astype(t) for t in ("i1", "i2", "i4", "i8", "f4", "f8")},
    **{t: (grid + 5).astype(t) for t in ("u1", "u2", "u4", "u8")},
    bool=grid > 0,
    big=grid.astype(">f4"),
    fortran=np.asfortranarray(grid.astype("f8")),
    scalar=np.float64(2.5),
    empty=np.zeros((0, 3), "f4"),
)
np.savez_compressed("packed.npz", x_train=grid.astype("f4"), y_train=np.array([0, 1]))
np.save("vector.npy", np.array([1.5, -2.5], ">f8"))
np.save("object.npy", np.array([None, {}], object), allow_pickle=True)
np.save("structure.npy", np.zeros(2, [("a", "f4"), ("b", "i4")]))
np.save("half.npy", np.zeros(2, "f2"))
