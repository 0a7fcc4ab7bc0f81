#include "Dihedral.h"
#include <cmath>

using namespace OpenMM;
using namespace std;

double OpenMM::getDihedral(const Vec3& i, const Vec3& j, const Vec3& k, const Vec3& l) {
    Vec3 first = j - i, bond = k - j, last = l - k;
    Vec3 m = first.cross(bond), n = bond.cross(last);
    return atan2(first.dot(n) * sqrt(bond.dot(bond)), m.dot(n));
}

array<Vec3, 4> OpenMM::getDihedralGradient(const Vec3& i, const Vec3& j, const Vec3& k, const Vec3& l) {
    Vec3 f = i - j, g = j - k, h = l - k;
    Vec3 a = f.cross(g), b = h.cross(g);
    double length = sqrt(g.dot(g)), aa = a.dot(a), bb = b.dot(b);
    Vec3 atFirst = a * (-length / aa), atLast = b * (length / bb);
    Vec3 shared = a * (f.dot(g) / (aa * length)) - b * (h.dot(g) / (bb * length));
    return {atFirst, shared - atFirst, Vec3() - shared - atLast, atLast};
}
