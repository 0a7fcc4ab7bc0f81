#include "DeviceOverlapFinder.h"
#include "KernelSources.h"
#include <algorithm>
#include <cmath>

using namespace OpenMM;
using namespace std;

/** Beyond every particle; its square is still a single precision number. */
static const double EVERYWHERE = 1e15;

DeviceOverlapFinder::DeviceOverlapFinder(ComputeContext& cc, const OverlapFinder& criterion) : cc(cc), moved(cc) {
    moved.set(criterion.getParticles());
    if (moved.getSize() == 0)
        return;
    vector<double> sizes = criterion.getRadii();
    largestRadius = *max_element(sizes.begin(), sizes.end());
    radii.initialize(cc, sizes.size(), cc.getUseDoublePrecision() ? sizeof(double) : sizeof(float), "genmdRadii");
    radii.upload(sizes, true);
    moved.fit(positions, cc.getPosq().getElementSize(), "genmdMovedPositions");
    found.initialize<int>(cc, 1, "genmdFound");
    uploadExceptions(criterion);
    compileKernels();
}

void DeviceOverlapFinder::uploadExceptions(const OverlapFinder& criterion) {
    vector<vector<int>> partners(criterion.getRadii().size());
    for (const pair<int, int>& exception : criterion.getExceptions()) {
        partners[exception.first].push_back(exception.second);
        partners[exception.second].push_back(exception.first);
    }
    vector<int> starts = {0}, others;
    for (int particle : moved.getParticles()) {
        others.insert(others.end(), partners[particle].begin(), partners[particle].end());
        starts.push_back((int)others.size());
    }
    others.push_back(-1); // an array of a device has at least one element
    firstException.initialize<int>(cc, starts.size(), "genmdFirstException");
    firstException.upload(starts);
    exceptions.initialize<int>(cc, others.size(), "genmdExceptions");
    exceptions.upload(others);
}

void DeviceOverlapFinder::compileKernels() {
    ComputeProgram program = KernelSources::compile(cc, KernelSources::overlaps);
    collectKernel = program->createKernel("collectMoved");
    collectKernel->addArg(cc.getNumAtoms());
    collectKernel->addArg(cc.getAtomIndexArray());
    collectKernel->addArg(cc.getPosq());
    collectKernel->addArg(radii);
    collectKernel->addArg(moved.getSlots());
    collectKernel->addArg(positions);
    findKernel = program->createKernel("findOverlaps");
    findKernel->addArg(cc.getNumAtoms());
    findKernel->addArg(moved.getSize());
    for (int i = 0; i < 5; i++)
        findKernel->addArg();
    for (ArrayInterface* array : {&cc.getAtomIndexArray(), &cc.getPosq()})
        findKernel->addArg(*array);
    for (ComputeArray* array : {&radii, &positions})
        findKernel->addArg(*array);
    findKernel->addArg(moved.getIndices());
    for (ComputeArray* array : {&firstException, &exceptions, &found})
        findKernel->addArg(*array);
}

void DeviceOverlapFinder::setReal(int argument, double value) {
    if (cc.getUseDoublePrecision())
        findKernel->setArg(argument, value);
    else
        findKernel->setArg(argument, (float)value);
}

void DeviceOverlapFinder::setVector(int argument, const Vec3& value) {
    if (cc.getUseDoublePrecision())
        findKernel->setArg(argument, mm_double4(value[0], value[1], value[2], 0));
    else
        findKernel->setArg(argument, mm_float4((float)value[0], (float)value[1], (float)value[2], 0));
}

/** How far from the first moved particle an overlap can be. Images are nearest only within half a box. */
double DeviceOverlapFinder::findReach(bool periodic, const Vec3* box) {
    vector<mm_double4> places;
    positions.download(places, true);
    double reach = 0;
    for (const mm_double4& place : places) {
        Vec3 delta(place.x - places[0].x, place.y - places[0].y, place.z - places[0].z);
        reach = max(reach, sqrt(delta.dot(delta)));
    }
    reach += 2 * largestRadius;
    double halfBox = 0.5 * min({box[0][0], box[1][1], box[2][2]});
    return periodic && reach > halfBox ? EVERYWHERE : reach;
}

bool DeviceOverlapFinder::hasOverlap(bool periodic) {
    if (moved.getSize() == 0)
        return false;
    Vec3 box[3];
    cc.getPeriodicBoxVectors(box[0], box[1], box[2]);
    collectKernel->execute(cc.getNumAtoms());
    findKernel->setArg(2, (int)periodic);
    for (int axis = 0; axis < 3; axis++)
        setVector(3 + axis, box[axis]);
    setReal(6, findReach(periodic, box));
    vector<int> result = {0};
    found.upload(result);
    findKernel->execute(cc.getNumAtoms());
    found.download(result);
    return result[0] != 0;
}
