#include "Rotation.h"
#include <algorithm>
#include <cmath>

using namespace OpenMM;
using namespace std;

typedef array<array<double, 4>, 4> Matrix4;

Rotation::Rotation() : rows({Vec3(1, 0, 0), Vec3(0, 1, 0), Vec3(0, 0, 1)}) {
}

Rotation Rotation::about(const Vec3& turn) {
    double angle = sqrt(turn.dot(turn));
    double scale = angle < 1e-8 ? 0.5 - angle * angle / 48 : sin(0.5 * angle) / angle;
    return fromQuaternion({cos(0.5 * angle), scale * turn[0], scale * turn[1], scale * turn[2]});
}

Rotation Rotation::between(const array<Vec3, 3>& from, const array<Vec3, 3>& to) {
    Rotation rotation;
    for (int i = 0; i < 3; i++)
        rotation.rows[i] = from[0] * to[0][i] + from[1] * to[1][i] + from[2] * to[2][i];
    return rotation;
}

Rotation Rotation::fromQuaternion(const array<double, 4>& q) {
    double s = 2 / (q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
    double w = q[0], x = q[1], y = q[2], z = q[3];
    Rotation rotation;
    rotation.rows[0] = Vec3(1 - s * (y * y + z * z), s * (x * y - w * z), s * (x * z + w * y));
    rotation.rows[1] = Vec3(s * (x * y + w * z), 1 - s * (x * x + z * z), s * (y * z - w * x));
    rotation.rows[2] = Vec3(s * (x * z - w * y), s * (y * z + w * x), 1 - s * (x * x + y * y));
    return rotation;
}

Vec3 Rotation::operator*(const Vec3& v) const {
    return Vec3(rows[0].dot(v), rows[1].dot(v), rows[2].dot(v));
}

/** Through the quaternion, which is accurate at all angles (Shepperd, J. Guid. Control 1, 223 (1978)). */
Vec3 Rotation::getTurn() const {
    double trace = rows[0][0] + rows[1][1] + rows[2][2];
    int largest = 0;
    for (int i = 1; i < 3; i++)
        if (rows[i][i] > rows[largest][largest])
            largest = i;
    double w;
    Vec3 axis;
    if (trace > rows[largest][largest]) {
        w = 0.5 * sqrt(1 + trace);
        axis = Vec3(rows[2][1] - rows[1][2], rows[0][2] - rows[2][0], rows[1][0] - rows[0][1]) / (4 * w);
    } else {
        int i = largest, j = (i + 1) % 3, k = (i + 2) % 3;
        axis[i] = 0.5 * sqrt(1 + rows[i][i] - rows[j][j] - rows[k][k]);
        axis[j] = (rows[i][j] + rows[j][i]) / (4 * axis[i]);
        axis[k] = (rows[i][k] + rows[k][i]) / (4 * axis[i]);
        w = (rows[k][j] - rows[j][k]) / (4 * axis[i]);
    }
    if (w < 0) {
        w = -w;
        axis *= -1;
    }
    double sine = sqrt(axis.dot(axis));
    return axis * (sine < 1e-8 ? 2 / w : 2 * atan2(sine, w) / sine);
}

Rotation Rotation::getInverse() const {
    Rotation inverse;
    for (int i = 0; i < 3; i++)
        inverse.rows[i] = Vec3(rows[0][i], rows[1][i], rows[2][i]);
    return inverse;
}

void RigidMotion::apply(vector<Vec3>& positions) const {
    for (Vec3& position : positions)
        position = rotation * position + shift;
}

void RigidMotion::applyInverse(vector<Vec3>& positions) const {
    Rotation inverse = rotation.getInverse();
    for (Vec3& position : positions)
        position = inverse * (position - shift);
}

/** Zero one pair of off-diagonal elements of a symmetric matrix by a rotation, which the columns of v collect. */
static void rotateJacobi(Matrix4& a, Matrix4& v, int p, int q) {
    if (a[p][q] == 0)
        return;
    double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
    double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
    double c = 1 / sqrt(t * t + 1), s = t * c;
    for (int i = 0; i < 4; i++) {
        double aip = a[i][p], aiq = a[i][q], vip = v[i][p], viq = v[i][q];
        a[i][p] = c * aip - s * aiq;
        a[i][q] = s * aip + c * aiq;
        v[i][p] = c * vip - s * viq;
        v[i][q] = s * vip + c * viq;
    }
    for (int i = 0; i < 4; i++) {
        double api = a[p][i], aqi = a[q][i];
        a[p][i] = c * api - s * aqi;
        a[q][i] = s * api + c * aqi;
    }
}

/** Get the eigenvector with the largest eigenvalue of a symmetric matrix, by cyclic Jacobi rotations. */
static array<double, 4> getLargestEigenvector(Matrix4 a) {
    const int SWEEPS = 12;
    Matrix4 v = {{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}}};
    for (int sweep = 0; sweep < SWEEPS; sweep++)
        for (int p = 0; p < 3; p++)
            for (int q = p + 1; q < 4; q++)
                rotateJacobi(a, v, p, q);
    int largest = 0;
    for (int i = 1; i < 4; i++)
        if (a[i][i] > a[largest][largest])
            largest = i;
    return {v[0][largest], v[1][largest], v[2][largest], v[3][largest]};
}

static Vec3 getCenter(const vector<Vec3>& positions) {
    Vec3 sum;
    for (const Vec3& position : positions)
        sum += position;
    return sum / positions.size();
}

RigidMotion OpenMM::superpose(const vector<Vec3>& positions, const vector<Vec3>& onto) {
    Vec3 from = getCenter(positions), to = getCenter(onto);
    double s[3][3] = {};
    for (int n = 0; n < (int)positions.size(); n++)
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 3; j++)
                s[i][j] += (positions[n] - from)[i] * (onto[n] - to)[j];
    double xx = s[0][0], xy = s[0][1], xz = s[0][2], yx = s[1][0], yy = s[1][1], yz = s[1][2], zx = s[2][0],
           zy = s[2][1], zz = s[2][2];
    Matrix4 key = {{{xx + yy + zz, yz - zy, zx - xz, xy - yx},
                    {yz - zy, xx - yy - zz, xy + yx, zx + xz},
                    {zx - xz, xy + yx, yy - xx - zz, yz + zy},
                    {xy - yx, zx + xz, yz + zy, zz - xx - yy}}};
    Rotation rotation = Rotation::fromQuaternion(getLargestEigenvector(key));
    return {rotation, to - rotation * from};
}
