/** Each optimiser's update as a formula, as torch.optim has it: g is the gradient, η the learning rate, t the step. */

/** @type {Record<string, string>} */
export const FORMULAS = {
  sgd: "\\theta \\leftarrow \\theta - \\eta\\, g",
  momentum: "v \\leftarrow \\mu v + g,\\quad \\theta \\leftarrow \\theta - \\eta\\, v",
  nesterov: "v \\leftarrow \\mu v + g,\\quad \\theta \\leftarrow \\theta - \\eta\\,(g + \\mu v)",
  adagrad: "s \\leftarrow s + g^2,\\quad \\theta \\leftarrow \\theta - \\eta\\, g / (\\sqrt{s} + \\epsilon)",
  rmsprop: "s \\leftarrow \\alpha s + (1-\\alpha)\\, g^2,\\quad \\theta \\leftarrow \\theta - \\eta\\, g / (\\sqrt{s} + \\epsilon)",
  adam: "m \\leftarrow \\beta_1 m + (1-\\beta_1)\\, g,\\; s \\leftarrow \\beta_2 s + (1-\\beta_2)\\, g^2,\\quad \\theta \\leftarrow \\theta - \\eta\\, \\frac{m / (1-\\beta_1^t)}{\\sqrt{s / (1-\\beta_2^t)} + \\epsilon}",
  adamw: "\\theta \\leftarrow (1 - \\eta\\lambda)\\,\\theta,\\quad \\text{Adam}",
  adadelta: "s \\leftarrow \\rho s + (1-\\rho)\\, g^2,\\; \\Delta = \\sqrt{\\tfrac{u + \\epsilon}{s + \\epsilon}}\\, g,\\; u \\leftarrow \\rho u + (1-\\rho)\\Delta^2,\\quad \\theta \\leftarrow \\theta - \\eta\\Delta",
  nadam: "\\text{Adam},\\quad m \\to \\mu_{t+1} \\tfrac{m}{1 - \\prod\\mu} + (1-\\mu_t) \\tfrac{g}{1 - \\prod\\mu}",
  rprop: "\\eta_i \\leftarrow \\begin{cases} 1.2\\,\\eta_i & g_i\\, g_i' > 0 \\\\ 0.5\\,\\eta_i & g_i\\, g_i' < 0 \\end{cases},\\quad \\theta_i \\leftarrow \\theta_i - \\eta_i\\, \\mathrm{sign}\\, g_i",
  lbfgs: "\\theta \\leftarrow \\theta - t\\, H g,\\quad H \\approx (\\nabla^2 L)^{-1}",
};

/** The same in letters, for tips. @type {Record<string, string>} */
export const PLAIN = {
  sgd: "θ ← θ − η g",
  momentum: "v ← μ v + g, θ ← θ − η v",
  nesterov: "v ← μ v + g, θ ← θ − η (g + μ v)",
  adagrad: "s ← s + g², θ ← θ − η g / (√s + ε)",
  rmsprop: "s ← α s + (1 − α) g², θ ← θ − η g / (√s + ε)",
  adam: "m ← β₁ m + (1 − β₁) g, s ← β₂ s + (1 − β₂) g², θ ← θ − η m̂ / (√ŝ + ε)",
  adamw: "θ ← (1 − η λ) θ; Adam",
  adadelta: "θ ← θ − η √(u + ε) / √(s + ε) g",
  nadam: "Adam + Nesterov",
  rprop: "θᵢ ← θᵢ − ηᵢ sign gᵢ",
  lbfgs: "θ ← θ − t H g",
};
