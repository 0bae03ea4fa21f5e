package packing

// Nominal gives prices in number-theoretic transforms of one limb, with the given number of special moduli. They stand
// in for measured prices where a choice must not depend on the machine: radices, folds, moduli.
func Nominal(special int) Prices {
	const (
		pass    = 0.065 // a product of two limbs that is added to a third
		reduce  = 0.03
		permute = 0.1
		scalar  = 0.033 // a limb times an integer, added
	)
	k := float64(special)
	return func(op Op, level int) float64 {
		l := float64(level + 1)
		digits := float64(ceilDiv(level+1, special))
		decompose := digits * (l + k)
		lazy := 2 * (l + k) * (digits*pass + permute)
		down := 2 * (l + k)
		switch op {
		case MulPlain, MulMask:
			return 2 * l * pass
		case MulCipher, Square:
			return 4 * l * pass
		case MulScalar:
			return 2 * l * scalar
		case MulDiagonal:
			return 2 * (l + k) * pass
		case FinishRow:
			return 3 * l * reduce
		case Relinearize:
			return decompose + 2*(l+k)*digits*pass + down
		case Rescale:
			return 2 * l
		case RelinearizeRescale:
			return decompose + 2*(l+k)*digits*pass + down + 2
		case Decompose:
			return decompose
		case RotateDiagonal, RotateInput, RotateSum, RotateRefill:
			return lazy
		case ModDown:
			return down
		default: // AddBias
			return l * reduce
		}
	}
}
