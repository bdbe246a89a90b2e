"""Pairs of answers that are equal, and that are not, by the rule that says so: `gold  ~  answer`."""

from __future__ import annotations

import re

Pair = tuple[str, str, str]


def _read(text: str) -> list[Pair]:
    """(rule, gold, answer): a rule has a line, and its pairs below it stand three blanks apart."""
    found, rule = [], ""
    for line in text.strip().splitlines():
        if line.startswith(" "):
            pairs = (pair.split("  ~  ") for pair in re.split(" {3,}", line.strip()))
            found += [(rule, gold, answer) for gold, answer in pairs]
        else:
            rule = line.removesuffix(":")
    return found


EQUAL = _read(r"""
typed:
    2\pi  ~  2pi   x^6  ~  x**6   \sin x  ~  sin(x)   \ln 3  ~  ln 3   e^{-x}  ~  exp(-x)
    1+\sqrt3  ~  1 + sqrt(3)   (\sin x, \sqrt2)  ~  (sin(x), sqrt(2))   \log_2 3  ~  log2(3)
    \frac{4}{3}\pi r^3  ~  4/3*pi*r^3   \frac23\pi  ~  2/3 pi   |x-3|  ~  abs(x-3)
    (-\infty,0)\cup(2,\infty)  ~  (-inf, 0) U (2, infinity)   \pm 3  ~  +-3   x^{-1}  ~  x^-1
    \sin x  ~  sinx   x\sqrt2  ~  xsqrt(2)   \theta  ~  theta   \arctan x  ~  arctan x
    \sqrt[3]{2}  ~  \sqrt[3]2   4  ~  \boxed 4   \frac{a}{b+c}  ~  a/(b+c)   \frac{\ln x}{x}  ~  lnx/x
    x\sin x  ~  xsinx   \log_2 3  ~  ln 3/ln 2   \lfloor n/2\rfloor  ~  floor(n/2)   45 min  ~  45 minutes
    (1,5)  ~  x in (1,5)
roots, powers and indices:
    4  ~  √16   2\sqrt3  ~  √12   2  ~  ∛8   1/2  ~  1⁄2   3.5  ~  3½   x^n  ~  xⁿ   x_1  ~  x₁
    x^{-2}  ~  x⁻²   \theta  ~  θ   x  ~  𝑥
letters:
    \frac{1}{\mathrm{e}}  ~  1/e   5\mathbf{i}+2\mathbf{j}  ~  5i+2j   ab  ~  b a   5\mathrm{m}  ~  5
    \phi  ~  \varphi   \hat{\imath}+\hat{\jmath}  ~  i+j
functions of several:
    {7 \choose 3}  ~  35   \sin^{-1}(x)  ~  \arcsin x   \sqrt{\frac{x}{y}}  ~  \frac{\sqrt x}{\sqrt y}
    \lvert xy\rvert  ~  |x||y|
relations:
    x^2+121=0  ~  121 = -x^2   3x-4y=5  ~  6x-8y=10   y=2x+1  ~  2x-y+1=0   x<1  ~  -x>-1
    3x-4y<5  ~  -3x+4y>-5   \{x \mid -2\le x<1\}  ~  [-2,1)   1<x<3  ~  3>x>1   2  ~  2 = y   5  ~  AB = 5
    1  ~  |AB|=1   12  ~  \text{Area} = 12   x=1,y=2  ~  (1,2)
introduced:
    5  ~  The answer is $5$   5  ~  The area is \boxed{5}.   \frac12  ~  Answer: \(\frac{1}{2}\)
written otherwise:
    5.5 \times 10^6  ~  5.5 x 10^6   2:1  ~  2 to 1   1,000,000  ~  10^6   1011_2  ~  (1011)_{two}
    52_8  ~  52   \log_{10} 5  ~  \lg 5   \binom{5}{2}  ~  C(5,2)   \sqrt[3]{-8}  ~  -2   {}_7C_3  ~  7C3
    35  ~  7 choose 3   1011_2  ~  1011 (base 2)   12  ~  12^{th}   x \equiv 3 \pmod{7}  ~  3 mod 7
    3 \pmod 7  ~  3   5.50  ~  5 dollars and 50 cents   \mathbb{R} \setminus \{0\}  ~  R \ {0}
    \emptyset  ~  {}   DNE  ~  does not exist   \begin{pmatrix}1&2\\3&4\end{pmatrix}  ~  [[1,2],[3,4]]
    \langle 1,2 \rangle  ~  <1, 2>   \{\begin{array}{l}x=1\\y=2\end{array}  ~  x=1, y=2
    \frac{x-1}{2}  ~  f^{-1}(x)=(x-1)/2   \mathbb{R}\setminus\{0,2\}  ~  (-\infty,0)\cup(0,2)\cup(2,\infty)
    -2  ~  \begin{vmatrix}1&2\\3&4\end{vmatrix}   \int_0^1 x dx  ~  1/2   \frac{\pi}{4}  ~  pi/4 rad
    3\pi  ~  3\pi\text{ square units}
endless decimals:
    1/3  ~  0.(3)   1/3  ~  0.\dot{3}   5/3  ~  1.666...   \frac{4}{33}  ~  0.1212\ldots
notation:
    \dfrac{1}{2}x  ~  \frac12 x   \left(1, 2\right)  ~  (1,2)   \\sqrt{5}  ~  \sqrt5
unicode:
    7  ~  ７   2\pi  ~  2π   x \le 3  ~  x ≤ 3   -5  ~  −5
percent:
    62.5  ~  62.5\%   40/900  ~  4 4/9%   12.5\%  ~  1/8   0.5  ~  50 percent   28%  ~  28
separators:
    1000,99  ~  1000.99   0,111  ~  0.111   12345  ~  12{,}345   9004/9  ~  1 000 4/9
repeating decimals:
    1/3  ~  0.\overline{3}   \frac{41}{333}  ~  0.\overline{123}
scientific:
    125000  ~  1.25 \times 10^5   0.0003  ~  3e-4
rounding:
    1/3  ~  0.3333   \sqrt2  ~  1.4142   [\frac13, 1)  ~  [0.3333, 1)   \pi  ~  3.14159
words:
    5  ~  \text{five}   21  ~  twenty-one   2500000  ~  2.5 million   2/3  ~  two-thirds
    100  ~  one hundred   60  ~  5 dozen   \text{Odd}  ~  odd   10:00 a.m.  ~  10:00 AM
    \text{ellipse}  ~  an ellipse   \text{no solution}  ~  There is no solution.
choices:
    A  ~  \textbf{(A)}   C  ~  C.   A  ~  (A) 12   \text{B, D}  ~  D and B   A  ~  Option A
units:
    15  ~  15\mbox{ cm}^2   15 cm^2  ~  15\text{ cm}^2   32  ~  32 dollars   90  ~  90^\circ
    11:30  ~  11:30 a.m.   20 mph  ~  20 miles per hour   9.8\,\mathrm{m/s^2}  ~  9.8 m/s²
    9.8\text{ m s}^{-2}  ~  9.8   5 hours 30 minutes  ~  5 hours and 30 minutes
    25^\circ\text{C}  ~  25 degrees Celsius   100 J  ~  100 joules   20 sq. ft.  ~  20 square feet
    5\mathrm{~m} / \mathrm{s}  ~  5 m/s   99\pi  ~  99pi square inches
names:
    5  ~  x = 5   [1,2]  ~  x \in [1,2]   2x+3  ~  f(x) = 2x+3   (1,2)  ~  (x,y) = (1,2)
chains:
    20  ~  5 \times 4 = 20   1/3  ~  x = \frac13 \approx 0.33
sets:
    \{1,2\}  ~  2, 1   \pm 3  ~  -3, 3   1\pm\sqrt2  ~  1-\sqrt2 \text{ and } 1+\sqrt2
    \{-1\}\cup[0,7)  ~  {-1} U [0, 7)   \{-1\}\cup[0,7)  ~  x=-1 or 0<=x<7
    \{2k\pi : k\in\mathbb{Z}\}  ~  \{2\pi k \mid k\in\mathbb{Z}\}   A=\{1,2\}  ~  A=\{2,1\}
    \mathbb{Z}  ~  all integers   1,3,\ldots,99  ~  1, 3, ..., 99
ranges:
    x < 3  ~  (-\infty, 3)   [2,5)  ~  2 \le x < 5   x \ne 2  ~  (-\infty,2) \cup (2,\infty)
    x \le -2 \text{ or } x \ge 3  ~  (-\infty,-2] \cup [3,\infty)   \{x \mid x > 3\}  ~  (3,\infty)
    \mathbb{R}  ~  \text{all real numbers}   \emptyset  ~  \text{no solution}   -1<x<3  ~  x > -1 and x < 3
    [0,\infty)  ~  {x | x >= 0}   \mathbb{R}\setminus\{0\}  ~  x \in \mathbb{R}, x \ne 0
    \mathbb{R}\setminus\{-1,1\}  ~  x ≠ ±1
    \mathbb{R}\setminus\{-1,1\}  ~  all real numbers except -1 and 1
distances:
    [-\frac32,-1) \cup (1,\frac32]  ~  1 < |z| \le \frac32
    (-2, 2)  ~  |x| < 2   (-\infty, -3] \cup [1, \infty)  ~  |x+1| \ge 2   2 \ge |x-1|  ~  [-1, 3]
vectors:
    5\mathbf{i} - \mathbf{j}  ~  \langle 5, -1 \rangle   2\hat{i}+3\hat{k}-\hat{j}  ~  (2,-1,3)
    \begin{pmatrix} 1/2 \\ 3 \end{pmatrix}  ~  (0.5, 3)
    \langle 1, 2 \rangle  ~  \begin{bmatrix} 1 \\ 2 \end{bmatrix}
complex:
    2i  ~  (1+i)^2   -1  ~  e^{i\pi}   1+2i  ~  i(2-i)   e^{i\theta}  ~  \cos\theta+i\sin\theta
degrees:
    \frac12  ~  \sin 30^\circ   \cos x  ~  \sin(90^\circ - x)
functions:
    \cos 2x  ~  1-2\sin^2 x   \sqrt{x^2}  ~  |x|   \binom{n}{2}  ~  \frac{n(n-1)}{2}
arguments:
    \frac{\pi}{4}  ~  \frac\pi4   \frac{a}{b}  ~  \frac{a}b   \sin\frac\pi6  ~  1/2
    2^{\sqrt{2}}  ~  2^\sqrt2   \frac{12}{5,525}  ~  12/5525   35  ~  \dbinom73
side by side:
    6  ~  2(3)   20  ~  2\binom52   2.5  ~  2\frac{1}{2}   60  ~  \binom52\binom42
combinations:
    {}_{8}P_{3}  ~  336   \binom{10}{3}  ~  C_{10}^3   \binom{10}{3}  ~  ^{10}C_3
points and functions:
    (2,3)  ~  A(2,3)   A(2,3)  ~  A = (2, 3)   y = x^2-1  ~  f(x) = x^2-1   f(2) = 5  ~  5
open ends:
    (-2,5]  ~  ]-2, 5]   (-\infty,2)\cup(3,\infty)  ~  ]-\infty,2[ \cup ]3,\infty[
wrapped:
    17  ~  *17*   17  ~  `17`   17  ~  \underline{17}   17  ~  \bf 17   17  ~  \color{red}{17}
    17  ~  <answer>17</answer>   17  ~  \text{The answer is }17   42  ~  Answer: 42   42  ~  #### 42
money:
    $5.50  ~  USD 5.50   50 cents  ~  50¢   $1.5 million  ~  1.5 million dollars
nothing but zero:
    0  ~  5-5   0  ~  \sin\pi   0  ~  \sin^2x+\cos^2x-1
matrices:
    \begin{pmatrix}1&2\\3&4\end{pmatrix}  ~  [1 2; 3 4]
    \begin{pmatrix}1&2\\3&4\end{pmatrix}  ~  Matrix([[1,2],[3,4]])
    \begin{pmatrix}1\\2\end{pmatrix}  ~  \begin{pmatrix} 1 \\[4pt] 2 \end{pmatrix}
    \frac12\begin{pmatrix}2&4\end{pmatrix}  ~  \begin{pmatrix}1&2\end{pmatrix}
    \begin{cases} x & x>0\\ 1 & x<0\end{cases}  ~  \begin{cases} x, & \text{if } x>0, \\ 1 & x<0. \end{cases}
in a text:
    12  ~  \text{12 apples}   7  ~  \mathrm{7~cm}   75\%  ~  75\text{ \%}   4C_{16}  ~  \text{4C}_{16}
    32_7  ~  32\text{ (base 7)}   A, C  ~  \text{(A) and (C)}   7  ~  7\text{ (units)}   7  ~  “7”
    7  ~  7 cups of flour   10  ~  Area = 10 square units   7  ~  \text{Answer: }7   \frac16  ~  \approx 1/6
named together:
    (a,b)=(2,1)  ~  a=2,b=1   (a,b)=(2,1)  ~  b = 1 \text{ and } a = 2
ratios:
    3:4  ~  3\text{ to }4   3:4  ~  3\colon 4
""")

UNEQUAL = _read(r"""
words that change a value:
    5  ~  twice $5$   x  ~  ln $x$   5  ~  the square of $5$   2  ~  2 sevenths   5  ~  5 negative
    5  ~  5\text{ to one}   2  ~  2 dozens   A  ~  (A) is false   A  ~  A. isn't correct
letters in a text:
    5  ~  2+3\text{i}   2  ~  \text{2x}   6  ~  6 xyz   2  ~  2(xyz)
and, or:
    x=1 or y=2  ~  x=1 and y=2   A and B  ~  A or B   p \wedge q  ~  p \vee q
functions of what is asked:
    5  ~  |x|=5   5  ~  \sqrt{x}=5
digits behind an index:
    a_{1}2^n  ~  a_{12}^n   \log_2 x  ~  log 2x
currencies:
    USD 5  ~  EUR 5
roots:
    6  ~  √16   \sqrt[3]{2}  ~  \sqrt[4]{2}
a sign, a digit:
    p - q  ~  pq   5\mathbf{i}+2\mathbf{j}  ~  5\mathbf{i}+3\mathbf{j}   5\mathbf{i}+2\mathbf{j}  ~  5
    1-\mathrm{e}^{-2}  ~  1-\mathrm{e}^{-3}   {7 \choose 3}  ~  {9 \choose 3}   {7 \choose 3}  ~  3
    \lvert xy\rvert  ~  -xy   [2^{\frac{1}{2^{1000}}}, 3)  ~  [2^{\frac{1}{2^{1020}}}, 3)
relations:
    x^2+121=0  ~  x^2+181=0   \log_2 8=3  ~  \log_2 8=4   f(2)=3  ~  f(2)=4   x>3  ~  x\ge 3
    \log_2 8=3  ~  \log_1 8=3   |x| < 2  ~  [-2, 2]   3 \pmod 7  ~  3 \pmod 5
    \{x \mid -2\le x<1\}  ~  \{x \mid -9\le x<1\}   3x<6  ~  3x>6   2x+3y=6  ~  2x+3y=7
    \begin{cases}a+b=1\\a-b=2\end{cases}  ~  \begin{cases}a+b=1\\a+b=2\end{cases}
written otherwise:
    30^\circ  ~  30^\circ C   10:30  ~  10:31   \{1,2\}  ~  \{1,2,3\}   a  ~  an   A  ~  a
    [[1,2],[3,4]]  ~  [[1,2],[4,3]]   \mathbb{R}\setminus\{0\}  ~  \mathbb{R}\setminus\{1\}
vectors:
    5\mathbf{i} + 2\mathbf{j}  ~  (5, 3)   5\mathbf{i} + 2\mathbf{k}  ~  (5, 2)
letter case:
    R^2  ~  r^2   AB  ~  ab
primes:
    f'(x)  ~  f(x)   A^T  ~  A   y''+y=0  ~  y'+y=0   5  ~  5'   f^{-1}(x)  ~  \frac{1}{f(x)}
infinite ends:
    (-\infty,3]  ~  [-\infty,3]
not introduced:
    5  ~  less than $5$   5  ~  not $5$
rounding:
    1/3  ~  0.33   \sqrt2  ~  1.4143   5  ~  5.001   2  ~  1.9999   \pi  ~  22/7
percent:
    40/9  ~  4 4/9%   50%  ~  0.05   25\%  ~  2500\%   5\%  ~  $5
separators:
    32349  ~  32, 349   1.234  ~  1,234   1,3  ~  1.3
bases:
    52_8  ~  52_1   1202_3  ~  1202_2   4210_5  ~  4210_7   1112112_3  ~  1112122_{3}
units:
    5\text{ cm}  ~  5\text{ m}   10 am  ~  10 pm   11:30 a.m.  ~  11:30 p.m.   6 apples  ~  6 oranges
    5 million  ~  5   5 cm^2  ~  5 cm^3   2\text{ cm}, 3\text{ cm}  ~  2\text{ cm}, 4\text{ cm}
    9\text{ a.m.}  ~  9\text{ a.n.}   5  ~  5\text{ is wrong}   5  ~  5\text{ at most}
monomials:
    3c  ~  3d   5  ~  5t   5  ~  5\pi
words:
    odd  ~  oddd   A  ~  B   A  ~  B) 12
names:
    x = 5  ~  y = 5   x = 1, y = 2  ~  y = 1, x = 2   x < 3  ~  y < 3
equations:
    1  ~  2x+z=1   11a+c  ~  7 = 11a+c   20  ~  5 \times 4 = 21
order:
    (1,2)  ~  (2,1)   (3,1)  ~  1,3   \begin{pmatrix} 1 \\ 2 \end{pmatrix}  ~  (2,1)
brackets:
    (1,2)  ~  [1,2]   [2,5)  ~  2 < x < 5   [0,1] \cup [2,3]  ~  [0,1] \cup [2,3)
lists:
    3, 4  ~  3   \pm 3  ~  3   2,3,5  ~  2,3,7
functions:
    \ln(x^2)  ~  2\ln x   |x|  ~  x   \sqrt{x}\sqrt{y}  ~  \sqrt{xy}   10^{100}+1  ~  10^{100}
side by side:
    5  ~  2(3)   12  ~  2\binom52   16  ~  \binom52\binom42
indices:
    I_0 e^{-t}  ~  I_1 e^{-t}   I_1 + 2  ~  i + 2
functions nobody knows:
    \frac{dy}{dx}=2x  ~  \frac{dy}{dx}=3x   \lim_{x\to 0} f(x)  ~  \lim_{x\to 1} f(x)
    \gcd(m,n)  ~  \gcd(m,k)   \vec{a}\times\vec{b}  ~  \vec{b}\times\vec{a}
floors:
    \lfloor x\rfloor+1  ~  \lceil x\rceil
choices:
    E  ~  (E) or (D)   B  ~  (B) is incorrect   E  ~  (E)+1   \text{B, D}  ~  A, B, D
money:
    $50  ~  50 cents   £20  ~  $20
ratios:
    2:3:5  ~  2:5:3
ranges:
    x > -1 and x < 3  ~  x > -1 or x < 3   x \ne \pm 1  ~  x \ne 1
""")
UNEQUAL.append(("separators", "71/6", "11\n5/6"))
