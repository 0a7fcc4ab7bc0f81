#include "genmd/SoftCoordinates.h"
#include "Dihedral.h"
#include "Rotation.h"
#include "openmm/OpenMMException.h"
#include "openmm/serialization/SerializationNode.h"
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

using namespace OpenMM;
using namespace std;

SoftCoordinates::SoftCoordinates() : superposes(false), torsionWidth(0.1), positionWidth(0.01), rotationWidth(0.1) {
}

static bool contains(const vector<int>& particles, int particle) {
    return find(particles.begin(), particles.end(), particle) != particles.end();
}

void SoftCoordinates::addTorsion(int i, int j, int k, int l, const vector<int>& moving) {
    if (contains(moving, j) == contains(moving, k))
        throw OpenMMException("SoftCoordinates: exactly one of the particles " + to_string(j) + " and " + to_string(k) +
                              " of the bond must be among those that turn about it");
    torsions.push_back({{i, j, k, l}, moving});
}

void SoftCoordinates::addFrame(int a, int b, int c, const vector<int>& group) {
    if (a == b || b == c || a == c)
        throw OpenMMException("SoftCoordinates: a frame needs three different particles");
    frames.push_back({{a, b, c}, group});
}

void SoftCoordinates::addPoint(int particle) {
    points.push_back(particle);
}

void SoftCoordinates::setSuperposes(bool newSuperposes) {
    superposes = newSuperposes;
}

void SoftCoordinates::setWidths(double newTorsionWidth, double newPositionWidth, double newRotationWidth) {
    for (double width : {newTorsionWidth, newPositionWidth, newRotationWidth})
        if (!(width > 0) || !isfinite(width))
            throw OpenMMException("SoftCoordinates: widths must be positive, got " + to_string(width));
    torsionWidth = newTorsionWidth;
    positionWidth = newPositionWidth;
    rotationWidth = newRotationWidth;
}

SoftCoordinates SoftCoordinates::localTo(const vector<int>& particles) const {
    map<int, int> places;
    for (int i = 0; i < (int)particles.size(); i++)
        places[particles[i]] = i;
    auto locate = [&](int particle) {
        auto found = places.find(particle);
        if (found == places.end())
            throw OpenMMException("SoftCoordinates: particle " + to_string(particle) +
                                  " is not among those that the proposer moves");
        return found->second;
    };
    auto locateAll = [&](auto& indices) {
        transform(indices.begin(), indices.end(), indices.begin(), locate);
    };
    SoftCoordinates local = *this;
    for (Torsion& torsion : local.torsions) {
        locateAll(torsion.atoms);
        locateAll(torsion.moving);
    }
    for (Frame& frame : local.frames) {
        locateAll(frame.atoms);
        locateAll(frame.group);
    }
    locateAll(local.points);
    return local;
}

void SoftCoordinates::removePoints(const vector<bool>& marked) {
    points.erase(remove_if(points.begin(), points.end(), [&](int point) { return marked[point]; }), points.end());
}

vector<int> SoftCoordinates::getParticles() const {
    set<int> all(points.begin(), points.end());
    for (const Torsion& torsion : torsions) {
        all.insert(torsion.atoms.begin(), torsion.atoms.end());
        all.insert(torsion.moving.begin(), torsion.moving.end());
    }
    for (const Frame& frame : frames) {
        all.insert(frame.atoms.begin(), frame.atoms.end());
        all.insert(frame.group.begin(), frame.group.end());
    }
    return vector<int>(all.begin(), all.end());
}

void SoftCoordinates::requireWhole(const vector<Vec3>& x, double longest) const {
    auto require = [&](int i, int j) {
        Vec3 d = x[i] - x[j];
        if (d.dot(d) > longest * longest)
            throw OpenMMException("SteeredSwitching: the molecule that leaps is broken across the periodic box. Set "
                                  "positions in which molecules are whole; OpenMM keeps them so");
    };
    for (const Torsion& torsion : torsions)
        for (int i = 0; i < 3; i++)
            require(torsion.atoms[i], torsion.atoms[i + 1]);
    for (const Frame& frame : frames)
        for (int i = 1; i < 3; i++)
            require(frame.atoms[0], frame.atoms[i]);
}

static void requireInGroup(const SoftCoordinates::Frame& frame) {
    for (int atom : frame.atoms)
        if (!contains(frame.group, atom))
            throw OpenMMException("SoftCoordinates: particle " + to_string(atom) +
                                  " of a frame is not in the group that follows it");
}

void SoftCoordinates::requireIndependent() const {
    if (superposes && !(frames.empty() && points.empty()))
        throw OpenMMException("SoftCoordinates: only torsions superpose; frames and points say where the molecule is");
    vector<int> following = points;
    for (const Frame& frame : frames) {
        requireInGroup(frame);
        following.insert(following.end(), frame.group.begin(), frame.group.end());
    }
    SoftCoordinates turning = *this;
    turning.frames.clear();
    turning.points.clear();
    vector<int> turned = turning.getParticles();
    set<int> taken(turned.begin(), turned.end());
    if (!frames.empty())
        taken.clear(); // the molecule of a frame has torsions of its own
    for (int particle : following)
        if (!taken.insert(particle).second)
            throw OpenMMException("SoftCoordinates: particle " + to_string(particle) +
                                  " follows more than one coordinate; expected a point only once, in no torsion and no "
                                  "other group");
}

static Vec3 normalized(const Vec3& v) {
    return v / sqrt(v.dot(v));
}

static BodyPose measurePose(const SoftCoordinates::Frame& frame, const vector<Vec3>& x) {
    Vec3 origin = x[frame.atoms[0]], first = normalized(x[frame.atoms[1]] - origin);
    Vec3 third = normalized(first.cross(x[frame.atoms[2]] - origin));
    return {origin, {first, third.cross(first), third}};
}

SoftValues SoftCoordinates::measure(const vector<Vec3>& x) const {
    SoftValues values;
    for (const Torsion& t : torsions)
        values.torsions.push_back(getDihedral(x[t.atoms[0]], x[t.atoms[1]], x[t.atoms[2]], x[t.atoms[3]]));
    for (const Frame& frame : frames)
        values.frames.push_back(measurePose(frame, x));
    for (int point : points)
        values.points.push_back(x[point]);
    return values;
}

SoftStep SoftCoordinates::getStep(const SoftValues& from, const SoftValues& to) const {
    SoftStep step;
    for (int i = 0; i < (int)torsions.size(); i++)
        step.torsions.push_back(remainder(to.torsions[i] - from.torsions[i], 2 * M_PI));
    for (int i = 0; i < (int)frames.size(); i++) {
        step.shifts.push_back(to.frames[i].origin - from.frames[i].origin);
        step.turns.push_back(Rotation::between(from.frames[i].axes, to.frames[i].axes).getTurn());
    }
    for (int i = 0; i < (int)points.size(); i++)
        step.points.push_back(to.points[i] - from.points[i]);
    return step;
}

SoftValues SoftCoordinates::advance(const SoftValues& from, const SoftStep& step, double fraction) const {
    SoftValues values = from;
    for (int i = 0; i < (int)torsions.size(); i++)
        values.torsions[i] += fraction * step.torsions[i];
    for (int i = 0; i < (int)frames.size(); i++) {
        Rotation rotation = Rotation::about(step.turns[i] * fraction);
        values.frames[i].origin += step.shifts[i] * fraction;
        for (Vec3& axis : values.frames[i].axes)
            axis = rotation * axis;
    }
    for (int i = 0; i < (int)points.size(); i++)
        values.points[i] += step.points[i] * fraction;
    return values;
}

/** Turn one side of a bond. Sides are nested or disjoint, so that the order of torsions does not matter. */
static void turn(const SoftCoordinates::Torsion& torsion, double angle, vector<Vec3>& x) {
    Vec3 pivot = x[torsion.atoms[1]];
    bool farSideMoves = contains(torsion.moving, torsion.atoms[2]);
    Rotation rotation = Rotation::about(normalized(x[torsion.atoms[2]] - pivot) * (farSideMoves ? angle : -angle));
    for (int particle : torsion.moving)
        x[particle] = pivot + rotation * (x[particle] - pivot);
}

vector<Vec3> SoftCoordinates::place(const SoftValues& values, const vector<Vec3>& positions) const {
    vector<Vec3> x = positions;
    SoftValues here = measure(x);
    for (int i = 0; i < (int)torsions.size(); i++)
        turn(torsions[i], remainder(values.torsions[i] - here.torsions[i], 2 * M_PI), x);
    for (int i = 0; i < (int)frames.size(); i++) {
        BodyPose pose = measurePose(frames[i], x);
        Rotation rotation = Rotation::between(pose.axes, values.frames[i].axes);
        for (int particle : frames[i].group)
            x[particle] = values.frames[i].origin + rotation * (x[particle] - pose.origin);
    }
    for (int i = 0; i < (int)points.size(); i++)
        x[points[i]] = values.points[i];
    return x;
}

static void writeIndices(SerializationNode& node, const string& name, const int* indices, int count) {
    SerializationNode& list = node.createChildNode(name);
    for (int i = 0; i < count; i++)
        list.createChildNode("Particle").setIntProperty("index", indices[i]);
}

static vector<int> readIndices(const SerializationNode& node, const string& name) {
    vector<int> indices;
    for (const SerializationNode& child : node.getChildNode(name).getChildren())
        indices.push_back(child.getIntProperty("index"));
    return indices;
}

void SoftCoordinates::serialize(SerializationNode& node) const {
    node.setBoolProperty("superposes", superposes);
    node.setDoubleProperty("torsionWidth", torsionWidth);
    node.setDoubleProperty("positionWidth", positionWidth);
    node.setDoubleProperty("rotationWidth", rotationWidth);
    SerializationNode& torsionList = node.createChildNode("Torsions");
    for (const Torsion& torsion : torsions) {
        SerializationNode& child = torsionList.createChildNode("Torsion");
        writeIndices(child, "Atoms", torsion.atoms.data(), 4);
        writeIndices(child, "Moving", torsion.moving.data(), torsion.moving.size());
    }
    SerializationNode& frameList = node.createChildNode("Frames");
    for (const Frame& frame : frames) {
        SerializationNode& child = frameList.createChildNode("Frame");
        writeIndices(child, "Atoms", frame.atoms.data(), 3);
        writeIndices(child, "Group", frame.group.data(), frame.group.size());
    }
    writeIndices(node, "Points", points.data(), points.size());
}

SoftCoordinates SoftCoordinates::deserialize(const SerializationNode& node) {
    SoftCoordinates result;
    result.setSuperposes(node.getBoolProperty("superposes"));
    result.setWidths(node.getDoubleProperty("torsionWidth"), node.getDoubleProperty("positionWidth"),
                     node.getDoubleProperty("rotationWidth"));
    for (const SerializationNode& child : node.getChildNode("Torsions").getChildren()) {
        vector<int> atoms = readIndices(child, "Atoms");
        result.addTorsion(atoms.at(0), atoms.at(1), atoms.at(2), atoms.at(3), readIndices(child, "Moving"));
    }
    for (const SerializationNode& child : node.getChildNode("Frames").getChildren()) {
        vector<int> atoms = readIndices(child, "Atoms");
        result.addFrame(atoms.at(0), atoms.at(1), atoms.at(2), readIndices(child, "Group"));
    }
    for (int point : readIndices(node, "Points"))
        result.addPoint(point);
    return result;
}
