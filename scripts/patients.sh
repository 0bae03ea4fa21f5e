#!/bin/sh
# Writes a made-up table as CSV, the same on every machine: scripts/patients.sh > patients.csv
#
# 1,000 patients, 30 measurements each, and whether they are ill. Measurements have units of their own, so that they must be brought to
# scale; twelve of them matter, four only in pairs; one label in fifty is wrong.
exec awk 'BEGIN {
	rows = 1000; columns = 30; state = 20230724
	for (c = 1; c <= columns; c++) {
		mean[c] = int(uniform() * 200); deviation[c] = 1 + int(uniform() * 40)
		weight[c] = c <= 8 ? (c % 2 ? 1 : -1) : 0
		printf "m%02d,", c
	}
	print "ill"
	for (r = 1; r <= rows; r++) {
		sum = 0
		for (c = 1; c <= columns; c++) {
			value[c] = normal()
			sum += weight[c] * value[c]
			printf "%.2f,", mean[c] + deviation[c] * value[c]
		}
		sum += 2 * value[9] * value[10] + 2 * value[11] * value[12]
		ill = sum > 0
		if (uniform() < 0.02) ill = 1 - ill
		print ill
	}
}
function uniform() { # Park and Miller, 1988: all products are exact in float64
	state = (16807 * state) % 2147483647
	return state / 2147483647
}
function normal(  i, sum) { # twelve uniform numbers: no functions that differ in their last digits
	for (i = 0; i < 12; i++) sum += uniform()
	return sum - 6
}'
