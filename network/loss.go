package network

import "math"

// crossEntropy returns the share of these samples in the batch's mean −log softmax(y)[label], and replaces y
// (samples×classes) by its gradient.
func crossEntropy[T float](y []T, labels []uint8, batch int) float64 {
	classes := len(y) / len(labels)
	var sum float64
	for i, label := range labels {
		row := y[i*classes : (i+1)*classes]
		largest := row[0]
		for _, v := range row {
			largest = max(largest, v)
		}
		var total float64
		for _, v := range row {
			total += math.Exp(float64(v - largest))
		}
		logTotal := math.Log(total)
		for j, v := range row {
			logP := float64(v-largest) - logTotal
			p := math.Exp(logP)
			if j == int(label) {
				sum -= logP
				p--
			}
			row[j] = T(p / float64(batch))
		}
	}
	return sum / float64(batch)
}

// squaredError returns the share of y in the mean of (y − target)² over the given number of values, and replaces y by
// its gradient.
func squaredError[T float](y, target []T, values int) float64 {
	var sum float64
	scale := T(2 / float64(values))
	for i, v := range y {
		e := v - target[i]
		sum += float64(float64(e) * float64(e))
		y[i] = scale * e
	}
	return sum / float64(values)
}
