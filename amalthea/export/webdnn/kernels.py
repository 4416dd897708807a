"""The kernels of a file, in JavaScript: the fallback backend of WebDNN calls them by name, one after the other.

Arrays are of floats and contiguous. A kernel takes lists of inputs and outputs, and options: sizes of what it walks
over, with the strides of each operand.
"""

KERNELS = r"""(function () {
"use strict";
const product = (sizes) => sizes.reduce((a, b) => a * b, 1);

// Calls f with a count and the offset of each operand, for every index of a block of these sizes.
function walk(sizes, strides, offsets, f) {
  const rank = sizes.length, total = product(sizes), index = new Array(rank).fill(0), at = offsets.slice();
  for (let i = 0; i < total; i++) {
    f(i, at);
    for (let axis = rank - 1; axis >= 0; axis--) {
      for (let k = 0; k < at.length; k++) at[k] += strides[k][axis];
      if (++index[axis] < sizes[axis]) break;
      for (let k = 0; k < at.length; k++) at[k] -= strides[k][axis] * sizes[axis];
      index[axis] = 0;
    }
  }
}

function even(x) {
  const r = Math.round(x);
  return Math.abs(x % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r;
}

function erf(x) {
  const y = Math.abs(x);
  if (y < 2.5) {
    let term = y, sum = y;
    for (let n = 1; n < 60; n++) { term *= -y * y / n; sum += term / (2 * n + 1); }
    return Math.sign(x) * sum * 2 / Math.sqrt(Math.PI);
  }
  let f = 0;
  for (let n = 60; n > 0; n--) f = n / 2 / (y + f);
  return Math.sign(x) * (1 - Math.exp(-y * y) / Math.sqrt(Math.PI) / (y + f));
}

const modulo = (x, y) => { const r = x % y; return r !== 0 && (r < 0) !== (y < 0) ? r + y : r; };
function quotient(x, y) {  // rounded down, as NumPy does it
  if (y === 0) return x / y;
  const r = x % y, q = (x - r) / y - +(r !== 0 && (r < 0) !== (y < 0)), whole = Math.floor(q);
  return q - whole > 0.5 ? whole + 1 : whole;
}
const least = (x, y) => (x < y || x !== x ? x : y), most = (x, y) => (x > y || x !== x ? x : y);
const FUNCTIONS = {
  negative: (x) => -x, exp: Math.exp, expm1: Math.expm1, log: Math.log, log1p: Math.log1p, sqrt: Math.sqrt,
  rsqrt: (x) => 1 / Math.sqrt(x), square: (x) => x * x, reciprocal: (x) => 1 / x, sin: Math.sin, cos: Math.cos,
  tan: Math.tan, arcsin: Math.asin, arccos: Math.acos, arctan: Math.atan, arctan2: Math.atan2, sinh: Math.sinh,
  cosh: Math.cosh, tanh: Math.tanh, arcsinh: Math.asinh, arccosh: Math.acosh, arctanh: Math.atanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)), softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  erf, relu: (x) => (x > 0 ? x : x !== x ? x : 0), absolute: Math.abs, sign: Math.sign, floor: Math.floor,
  ceil: Math.ceil, round: even, isnan: (x) => +(x !== x), isinf: (x) => +(Math.abs(x) === Infinity),
  logical_not: (x) => +!x, add: (x, y) => x + y, subtract: (x, y) => x - y, multiply: (x, y) => x * y,
  divide: (x, y) => x / y, floor_divide: quotient, remainder: modulo, power: Math.pow,
  maximum: most, minimum: least, equal: (x, y) => +(x === y), less: (x, y) => +(x < y),
  less_equal: (x, y) => +(x <= y), greater: (x, y) => +(x > y), greater_equal: (x, y) => +(x >= y),
  logical_and: (x, y) => +(x && y ? 1 : 0), logical_or: (x, y) => +(x || y ? 1 : 0),
  select: (c, x, y) => (c ? x : y), truth: (x) => +(x !== 0), whole: Math.trunc, copy: (x) => x,
};
const COMBINED = {
  sum: [0, (a, x) => a + x], product: [1, (a, x) => a * x], max: [-Infinity, most], min: [Infinity, least],
};

function elementwise(inputs, [out], { name, sizes, strides }) {
  const f = FUNCTIONS[name], [x, y, z] = inputs, none = inputs.map(() => 0);
  if (inputs.length === 1) walk(sizes, strides, none, (i, at) => { out[i] = f(x[at[0]]); });
  else if (inputs.length === 2) walk(sizes, strides, none, (i, at) => { out[i] = f(x[at[0]], y[at[1]]); });
  else walk(sizes, strides, none, (i, at) => { out[i] = f(x[at[0]], y[at[1]], z[at[2]]); });
}

// Elements of the input at these strides, in order.
function take([x], [out], { sizes, strides, offset }) {
  walk(sizes, [strides], [offset], (i, at) => { out[i] = x[at[0]]; });
}

// The input in order, to these strides of the output, which is filled with a value before.
function place([x], [out], { sizes, strides, offset, fill }) {
  if (fill !== false) out.fill(Number(fill));
  walk(sizes, [strides], [offset], (i, at) => { out[at[0]] = x[i]; });
}

function reduce([x], [out], { name, outer, inner }) {
  const [start, f] = COMBINED[name];
  walk(outer.sizes, [outer.strides], [0], (i, at) => {
    let total = start;
    walk(inner.sizes, [inner.strides], [at[0]], (_, there) => { total = f(total, x[there[0]]); });
    out[i] = total;
  });
}

function position([x], [out], { name, outer, size, stride }) {
  const better = name === "argmax" ? (a, b) => a > b || a !== a : (a, b) => a < b || a !== a;
  walk(outer.sizes, [outer.strides], [0], (i, at) => {
    let best = 0;
    for (let k = 1; k < size && x[at[0] + best * stride] === x[at[0] + best * stride]; k++)
      if (better(x[at[0] + k * stride], x[at[0] + best * stride])) best = k;
    out[i] = best;
  });
}

function running([x], [out], { outer, size, stride, reverse }) {
  walk(outer.sizes, [outer.strides], [0], (_, at) => {
    let total = 0;
    for (let k = 0; k < size; k++) {
      const here = at[0] + (reverse ? size - 1 - k : k) * stride;
      out[here] = total += x[here];
    }
  });
}

function matmul([x, y], [out], { batch, strides, rows, columns, size, x_steps, y_steps }) {
  walk(batch, strides, [0, 0], (i, [a, b]) => {
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) {
        let total = 0, p = a + r * x_steps[0], q = b + c * y_steps[1];
        for (let k = 0; k < size; k++, p += x_steps[1], q += y_steps[0]) total += x[p] * y[q];
        out[(i * rows + r) * columns + c] = total;
      }
  });
}

// Calls f for every pair of an element of the small grid and an element of the window that lies on the large one.
function windows({ large, small, window, strides, low, dilation }, f) {
  const at = (i, k, axis) => i * strides[axis] - low[axis] + k * dilation[axis];
  for (let i = 0; i < small[0]; i++) for (let j = 0; j < small[1]; j++) for (let l = 0; l < small[2]; l++)
    for (let p = 0; p < window[0]; p++) for (let q = 0; q < window[1]; q++) for (let r = 0; r < window[2]; r++) {
      const a = at(i, p, 0), b = at(j, q, 1), c = at(l, r, 2);
      if (a < 0 || b < 0 || c < 0 || a >= large[0] || b >= large[1] || c >= large[2]) continue;
      f((i * small[1] + j) * small[2] + l, (p * window[1] + q) * window[2] + r, (a * large[1] + b) * large[2] + c);
    }
}

function convolve([x, kernel], [out], option) {
  const { rows, channels, filters, groups } = option, width = channels / groups, share = filters / groups;
  const many = product(option.large), few = product(option.small);
  const wide = option.transposed ? many : few;
  const sums = new Float64Array(rows * wide * (option.transposed ? channels : filters));
  for (let n = 0; n < rows; n++)
    windows(option, (little, offset, big) => {
      for (let g = 0; g < groups; g++)
        for (let c = 0; c < width; c++) {
          const one = (n * many + big) * channels + g * width + c, k = (offset * width + c) * filters + g * share;
          for (let f = 0, o = (n * few + little) * filters + g * share; f < share; f++, o++)
            if (option.transposed) sums[one] += x[o] * kernel[k + f];
            else sums[o] += x[one] * kernel[k + f];
        }
    });
  out.set(sums);
}

function pool([x], [out], option) {
  const { name, rows, channels } = option, many = product(option.large), few = product(option.small);
  const [start, f] = COMBINED[name === "max" ? "max" : "sum"];
  const totals = new Float64Array(rows * few * channels).fill(start), counts = new Float64Array(few);
  for (let n = 0; n < rows; n++)
    windows(option, (little, _, big) => {
      if (n === 0) counts[little]++;
      for (let c = 0; c < channels; c++) {
        const at = (n * few + little) * channels + c;
        totals[at] = f(totals[at], x[(n * many + big) * channels + c]);
      }
    });
  for (let i = 0; i < totals.length; i++)
    out[i] = name === "max" ? totals[i] : totals[i] / counts[Math.floor(i / channels) % few];
}

const within = (i, size) => (i < 0 ? i + size : i);

function gather([x, indices], [out], { outer, size, inner, count }) {
  for (let a = 0; a < outer; a++) for (let i = 0; i < count; i++) {
    const begin = (a * size + within(indices[i], size)) * inner;
    for (let c = 0; c < inner; c++) out[(a * count + i) * inner + c] = x[begin + c];
  }
}

function points(indices, { count, sizes, inner }, f) {
  for (let i = 0; i < count; i++) {
    let at = 0;
    for (let d = 0; d < sizes.length; d++) at = at * sizes[d] + within(indices[i * sizes.length + d], sizes[d]);
    for (let c = 0; c < inner; c++) f(i * inner + c, at * inner + c);
  }
}

function gather_points([x, indices], [out], option) {
  points(indices, option, (i, at) => { out[i] = x[at]; });
}

function add_points([x, indices, updates], [out], option) {
  out.set(x);
  points(indices, option, (i, at) => { out[at] += updates[i]; });
}

function top_k([x], [values, indices], { rows, size, k }) {
  for (let r = 0; r < rows; r++) {
    const row = x.subarray(r * size, (r + 1) * size), order = Array.from(row.keys());
    order.sort((a, b) => row[b] - row[a] || a - b);
    for (let i = 0; i < k; i++) { values[r * k + i] = row[order[i]]; indices[r * k + i] = order[i]; }
  }
}

function block(starts, sizes, shape) {
  return starts.map((s, axis) => Math.min(Math.max(s[0], 0), shape[axis] - sizes[axis]));
}

function dynamic_take([x, ...starts], [out], { sizes, shape, strides }) {
  const offset = block(starts, sizes, shape).reduce((sum, s, axis) => sum + s * strides[axis], 0);
  take([x], [out], { sizes, strides, offset });
}

function dynamic_place([x, update, ...starts], [out], { sizes, shape, strides }) {
  out.set(x);
  const offset = block(starts, sizes, shape).reduce((sum, s, axis) => sum + s * strides[axis], 0);
  place([update], [out], { sizes, strides, offset, fill: false });
}

window.dnn_fallback_kernel = {
  elementwise, take, place, reduce, position, running, matmul, convolve, pool, gather, gather_points, add_points,
  top_k, dynamic_take, dynamic_place,
};
})();
"""
